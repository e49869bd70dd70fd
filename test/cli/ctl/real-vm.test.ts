// SPDX-License-Identifier: BSD-2-Clause
/** tsbhyvectl and real VMs, as a person or a script uses them. Needs the built checkout. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { COUNT, countingGuest, countLine } from '../support/counting-guest.js';
import { ECHO_GUEST, POWER_OFF } from '../support/echo-guest.js';
import { endRuns, Run, runFolder } from '../support/run.js';

const CTL = resolve('dist/src/cli/ctl/main.js');
const WHOLE = `${Array.from({ length: COUNT }, (_, number) => countLine(number)).join('')}half\n`;

/** Each test starts a dozen processes, on a machine that may be busy. */
jest.setTimeout(60_000);

let folder = '';
let store = '';
let place = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-ctl-'));
  writeFileSync(join(folder, 'echo'), ECHO_GUEST);
  writeFileSync(join(folder, 'counter'), countingGuest());
});
beforeEach(() => {
  store = mkdtempSync(join(folder, 'store-'));
  place = runFolder();
});
afterEach(endRuns);
afterAll(() => rmSync(folder, { recursive: true }));

/** With com1 detached, as it is by default. */
const start = (guest: string, ...words: string[]): Run =>
  new Run({ runFolder: place }, '-m', '16', '--kernel', join(folder, guest), '--store', store, ...words, guest);
const ctl = (...words: string[]): Run => new Run({ runFolder: place, program: CTL }, ...words);

/** Of the process that is the VM, whatever has started it. */
const pidOf = (vm: string): number => Number(readFileSync(join(place, vm, 'pid'), 'latin1'));

async function done(...words: string[]): Promise<string> {
  const run = ctl(...words);
  expect({ ...(await run.end()), err: run.err }).toEqual({ status: 0, signal: null, err: '' });
  return run.out;
}

/** It announces its console just before it runs; then it may be asked. */
async function running(guest: string, ...words: string[]): Promise<Run> {
  const vm = start(guest, ...words);
  await vm.until(() => vm.err.includes(`com1 is detached: tsbhyvectl --vm=${guest} console\n`));
  await vm.until(() => readdirSync(join(place, guest)).includes('control'), 10);
  return vm;
}

test('status, pause, resume, counters, registers and the power button', async () => {
  const vm = await running('echo');
  const state = async (): Promise<string | undefined> =>
    /^state +(\w+)$/m.exec(await done('--vm=echo', '--status'))?.[1];
  expect(await state()).toBe('running');
  await done('--vm=echo', '--pause', '--pause');
  expect(await state()).toBe('paused');
  const instructions = async (): Promise<string | undefined> =>
    /^instructions +(\d+)$/m.exec(await done('--vm=echo', '--get-stats'))?.[1];
  expect(await instructions()).toBe(await instructions());
  expect(await done('--vm=echo', '--get-stats')).toMatch(/^vcpus\.0\.engine\.codeBytes +\d+$/m);
  expect(await done('--vm=echo', '--get-rip', '--get-cs-selector')).toMatch(
    /^rip +0x00000000001000[0-9a-f]{2}\ncs_sel/,
  );
  await done('--vm=echo', '--resume');
  expect(await state()).toBe('running');
  expect(await done('--vm=echo', '--power-button')).toBe('the guest does not listen to the power button\n');
  expect(await done('list')).toMatch(/^echo {2}running {2}pid \d+ {2}16\.0 MiB {2}soft\n$/);
  await done('--vm=echo', '--force-poweroff');
  expect((await vm.end()).status).toBe(1);
  expect(readdirSync(place)).toEqual([]);
});

test('a console gets what was written before, and a second one is refused', async () => {
  const vm = await running('echo');
  const console = ctl('--vm=echo', 'console');
  await console.until(() => console.out.includes('UP\n'));
  console.type('typed');
  await console.until(() => console.out.includes('typed'));
  const second = ctl('--vm=echo', 'console');
  expect((await second.end()).status).toBe(1);
  expect(second.err).toBe('tsbhyvectl: echo: somebody is attached to com1 already\n');
  console.child.kill('SIGINT'); // detaches
  expect((await console.end()).status).toBe(0);
  const third = ctl('--vm=echo', 'console');
  third.type(`again${POWER_OFF}`);
  expect((await third.end()).status).toBe(0);
  expect(third.out).toBe('again');
  expect((await vm.end()).status).toBe(1);
});

test('a VM that is suspended and continued: its console has every byte once, and its name is taken meanwhile', async () => {
  const words = ['--clock', 'virtual', '--continue'];
  const first = await running('counter', ...words);
  const twin = start('counter', ...words);
  expect((await twin.end()).status).toBe(4);
  expect(twin.err).toBe(
    `tsbhyve: counter: a VM of this name is running (pid ${pidOf('counter')}); --name gives this one another\n`,
  );
  const early = ctl('--vm=counter', 'console');
  early.type('hal');
  await early.until(() => early.out.includes(countLine(20)));
  early.child.kill('SIGTERM');
  expect((await early.end()).status).toBe(0);

  expect(await done('--vm=counter', '--checkpoint=mark')).toMatch(/^snapshot mark: [0-9.]+ [KM]iB of memory/);
  expect(await done('--vm=counter', '--suspend')).toMatch(/^suspended as counter-1: /);
  expect((await first.end()).status).toBe(5);
  expect(readdirSync(store)).toEqual(['counter-1', 'mark']);

  const second = await running('counter', ...words);
  const late = ctl('--vm=counter', 'console');
  late.type('f\n');
  expect((await late.end()).status).toBe(0);
  expect(early.out + late.out).toBe(WHOLE);
  expect((await second.end()).status).toBe(1);
  expect(readdirSync(store)).toEqual(['mark']); // the suspend is used up, and --continue would boot

  const third = await running('counter', ...words);
  const console = ctl('--vm=counter', 'console');
  await console.until(() => console.out.startsWith(countLine(0)));
  await done('--vm=counter', '--destroy');
  expect((await third.end()).status).toBe(1);
});

test('--destroy ends a VM at once, and one that hangs too', async () => {
  const vm = await running('echo');
  await done('--vm=echo', '--destroy');
  expect((await vm.end()).status).toBe(1);

  const hanging = await running('echo');
  process.kill(pidOf('echo'), 'SIGSTOP');
  await done('--vm=echo', '--destroy');
  expect((await hanging.end()).status).not.toBe(1); // it was killed
  expect(readdirSync(place)).toEqual([]);
});

test('--force-reset ends a VM as its own reset does, and --suspend-all takes all', async () => {
  const vm = await running('echo');
  await done('--vm=echo', '--force-reset');
  expect((await vm.end()).status).toBe(0);

  const [one, two] = [await running('echo'), await running('counter')];
  const lines = (await done('--suspend-all')).trimEnd().split('\n').sort();
  expect(lines.map((line) => line.split(' of memory')[0])).toEqual([
    expect.stringMatching(/^counter: suspended as counter-1: /),
    expect.stringMatching(/^echo: suspended as echo-1: /),
  ]);
  expect([(await one.end()).status, (await two.end()).status]).toEqual([5, 5]);
  expect(readdirSync(store)).toEqual(['counter-1', 'echo-1']);
});

test.each([
  [['-r', 'x', '--continue'], '--continue: looks for a suspend itself, and -r x names one; give one of the two'],
  [['--continue', '--keep'], '--keep: makes a snapshot of a suspend that -r names; --continue looks for one to use up'],
])('%j is refused', async (words, message) => {
  const run = start('echo', ...words);
  expect((await run.end()).status).toBe(4);
  expect(run.err).toBe(`tsbhyve: ${message}\n`);
});
