// SPDX-License-Identifier: BSD-2-Clause
/** The command is killed at random moments around a save, 500 times; the disk fails in every way. Uses dist. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { countLine } from '../cli/support/counting-guest.js';
import { endRuns } from '../cli/support/run.js';
import { bootCounter, examineKilled } from '../crash/support/counting-vm.js';
import { canShim, WatchedFolder } from '../crash/support/shim.js';
import { randomNumbers, testSeed } from '../support/random.js';

const KILLS = 500;
/** The kill comes within so many times the time that an undisturbed save takes. */
const SPAN = 1.5;
const seed = testSeed();

let folder: WatchedFolder;
beforeEach(() => {
  folder = new WatchedFolder();
});
afterEach(() => {
  endRuns();
  folder.remove();
});

(canShim ? test : test.skip)(`killed ${KILLS} times (seed ${seed})`, async () => {
  const random = randomNumbers(seed);
  const found = new Map<string, number>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const run = bootCounter(folder);
    await run.until(() => run.out.includes(countLine(3)));
    const start = performance.now();
    run.child.kill('SIGUSR2');
    await run.until(() => run.err.includes('snapshot counter-1: '));
    const delay = random() * SPAN * (performance.now() - start);
    run.child.kill('SIGUSR2');
    await setTimeout(delay);
    run.child.kill('SIGKILL');
    expect((await run.end()).signal).toBe('SIGKILL');
    const names = examineKilled(folder, 'counter-1').join(' ');
    found.set(names, (found.get(names) ?? 0) + 1);
    folder.remove();
    folder = new WatchedFolder();
  }
  // Kills before the new snapshot and after it, or the moments were not in the middle.
  expect([...found.keys()].sort()).toEqual(['counter-1', 'counter-1 counter-2']);
});

const errors = ['ENOSPC', 'EIO'];
const manners = ['once', 'full', 'always'];
(canShim ? test : test.skip).each(errors.flatMap((error) => manners.map((manner) => [error, manner] as const)))(
  '%s, %s',
  (error, manner) => {
    const printed = folder.run('fault-trials.js', error, manner, join(folder.root, 'store'));
    expect(printed).toMatch(/^\d+\n$/);
  },
);
