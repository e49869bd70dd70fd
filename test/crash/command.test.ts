// SPDX-License-Identifier: BSD-2-Clause
/** The command when its disk is full or broken, and when it is killed in the middle of a save. Uses dist. */
import { mkdirSync, readdirSync } from 'node:fs';
import { countLine } from '../cli/support/counting-guest.js';
import { endRuns, Run } from '../cli/support/run.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { bootCounter, examineKilled, storeOf, WHOLE } from './support/counting-vm.js';
import { canShim, WatchedFolder } from './support/shim.js';

jest.setTimeout(300_000);

const CALLS_OF_A_SAVE = 30;
const KILLS = 15;
const seed = testSeed();
const random = randomNumbers(seed);

let folder: WatchedFolder;
beforeEach(() => {
  folder = new WatchedFolder();
  mkdirSync(storeOf(folder), { mode: 0o700 });
});
afterEach(() => {
  endRuns();
  folder.remove();
});

(canShim ? describe : describe.skip)(`seed ${seed}`, () => {
  test.each([
    ['SIGUSR2', 'ENOSPC', 'full', 'take a snapshot', 'No space left|no space left'],
    ['SIGUSR2', 'EIO', 'once', 'take a snapshot', 'Input/output error|i/o error'],
    ['SIGUSR1', 'ENOSPC', 'full', 'suspend', 'No space left|no space left'],
  ] as const)(
    '%s with %s in any call (%s) is one line, and the guest counts on',
    async (signal, error, manner, what, text) => {
      const run = bootCounter(folder);
      await run.until(() => run.out.includes(countLine(3)));
      const refusal = new RegExp(`^tsbhyve: ${signal}: cannot ${what}: [^\n]*(${text})[^\n]*; the VM runs on\n$`);
      const success = /^tsbhyve: (snapshot|suspended as) counter-1/;
      let refusals = 0;
      for (let call = 1; ; call += 1) {
        run.err = '';
        folder.failAt(call, error, manner);
        run.child.kill(signal);
        await run.until(() => run.err.endsWith('\n'));
        if (success.test(run.err)) break;
        expect(run.err).toMatch(refusal);
        expect(readdirSync(storeOf(folder))).toEqual([]);
        refusals += 1;
      }
      expect(refusals).toBeGreaterThan(20);
      if (signal === 'SIGUSR1') expect((await run.end()).status).toBe(5);
      const last =
        signal === 'SIGUSR1' ? new Run('-r', 'counter-1', '--store', storeOf(folder), '-l', 'com1,stdio') : run;
      last.type('half\n');
      expect((await last.end()).status).toBe(1);
      expect(last === run ? run.out : run.out + last.out).toBe(WHOLE);
    },
  );

  const calls = Array.from({ length: KILLS }, () => 1 + Math.floor(random() * CALLS_OF_A_SAVE));
  test.each(calls)('killed in call %d of a save', async (call) => {
    const run = bootCounter(folder);
    await run.until(() => run.out.includes(countLine(3)));
    run.child.kill('SIGUSR2');
    await run.until(() => run.err.includes('snapshot counter-1: '));
    folder.killAt(call);
    run.child.kill('SIGUSR2');
    expect(await run.end()).toEqual({ status: null, signal: 'SIGKILL' });
    const names = examineKilled(folder, 'counter-1');
    expect(names.filter((name) => name !== 'counter-1' && name !== 'counter-2')).toEqual([]);
  });
});
