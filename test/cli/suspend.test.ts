// SPDX-License-Identifier: BSD-2-Clause
/** Suspend and resume as a person does them: signals, processes, and the store. Needs the built checkout. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { fileIn, spoil } from '../snapshot/support/temporary-store.js';
import { COUNT, countingGuest, countLine } from './support/counting-guest.js';
import { endRuns, Run } from './support/run.js';

const FIRMWARE_TABLES = 0xe0000;
const WHOLE = `${Array.from({ length: COUNT }, (_, number) => countLine(number)).join('')}half\n`;

let folder = '';
let store = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-suspend-'));
  writeFileSync(join(folder, 'kernel'), countingGuest());
});
beforeEach(() => {
  store = mkdtempSync(join(folder, 'store-'));
});
afterEach(endRuns);
afterAll(() => rmSync(folder, { recursive: true }));

function boot(...words: string[]): Run {
  const machine = ['-m', '16', '--kernel', join(folder, 'kernel'), '--clock', 'virtual'];
  return new Run(...machine, '-l', 'com1,stdio', '--store', store, ...words, 'counter');
}
const resume = (name: string, ...words: string[]): Run =>
  new Run('-r', name, '--store', store, '-l', 'com1,stdio', ...words);

async function suspended(): Promise<Run> {
  const run = boot();
  run.type('hal');
  await run.until(() => run.out.includes(countLine(20)));
  run.child.kill('SIGUSR1');
  expect(await run.end()).toEqual({ status: 5, signal: null });
  return run;
}

test('a guest that is suspended twice counts on without a gap, and a half-typed line is whole', async () => {
  const first = await suspended();
  expect(first.err).toMatch(
    /^tsbhyve: suspended as counter-1: [0-9.]+ [KM]iB of memory in [0-9.]+ s; -r counter-1 .*\n$/,
  );
  expect(readdirSync(store)).toEqual(['counter-1']);

  const second = resume('counter-1');
  await second.until(() => (first.out + second.out).includes(countLine(300)));
  second.child.kill('SIGUSR1');
  expect((await second.end()).status).toBe(5);
  const [next] = readdirSync(store);
  expect(readdirSync(store)).toEqual([next]); // the first one is used up

  const third = resume(next ?? '');
  third.type('f\n');
  expect(await third.end()).toEqual({ status: 1, signal: null });
  expect(first.out + second.out + third.out).toBe(WHOLE);
  expect(third.err).toBe('');
  expect(readdirSync(store)).toEqual([]);
});

test('a snapshot leaves the guest running, and both ways lead to the same bytes', async () => {
  const run = boot();
  run.type('hal');
  await run.until(() => run.out.includes(countLine(20)));
  run.child.kill('SIGUSR2');
  await run.until(() => run.err.includes('snapshot counter-1: '));
  run.type('f\n');
  expect((await run.end()).status).toBe(1);
  expect(run.out).toBe(WHOLE);

  for (const _ of [1, 2]) {
    const again = resume('counter-1');
    again.type('f\n');
    expect((await again.end()).status).toBe(1);
    expect(again.out.length).toBeGreaterThan(0);
    expect(WHOLE.endsWith(again.out)).toBe(true);
  }
  expect(readdirSync(store)).toEqual(['counter-1']);
});

test('--keep leaves a suspend in the store, and a folder names it too', async () => {
  const first = await suspended();
  const second = new Run('-r', join(store, 'counter-1'), '-l', 'com1,stdio', '--keep');
  second.type('f\n');
  expect((await second.end()).status).toBe(1);
  expect(first.out + second.out).toBe(WHOLE);
  expect(readdirSync(store)).toEqual(['counter-1']);
});

test('damaged memory stops the VM with one line, and the snapshot stays', async () => {
  await suspended();
  const files = new SnapshotStore(store);
  const memory = fileIn(files, 'counter-1/ram');
  const table = memory.findIndex((byte, address) => address >= FIRMWARE_TABLES && byte !== 0);
  memory[table] = 0; // the guest never looks there
  spoil(files, 'counter-1/ram', memory);
  const run = resume('counter-1');
  expect((await run.end()).status).toBe(4);
  expect(run.err).toBe('tsbhyve: counter-1/ram: the contents do not match their digest\n');
  expect(readdirSync(store)).toEqual(['counter-1']);
});

test.each([
  ['truncated', (ram: string) => truncateSync(ram, 0)],
  ['changed', (ram: string) => writeFileSync(ram, 'x', { flag: 'r+' })],
] as const)('memory that is %s under a running VM stops it with one line', async (what, damage) => {
  await suspended();
  const ram = join(store, 'counter-1/ram');
  utimesSync(ram, 1, 1); // a file system's clock may be too coarse to tell two writes apart
  const run = resume('counter-1', '--keep');
  await run.answers('x');
  chmodSync(ram, 0o600);
  damage(ram);
  expect(await run.end()).toEqual({ status: 4, signal: null });
  expect(run.err).toBe(`tsbhyve: counter-1/ram: was ${what} while a machine ran from it\n`);
});

test.each([
  [['-m', '32'], "memory.size: '33554432 bytes', but the machine in snapshot counter-1 has '16777216 bytes'"],
  [['--clock', 'real'], "clock: 'real', but the machine in snapshot counter-1 has 'virtual,1/1'"],
  [
    ['-s', '3,hostbridge'],
    "pci: '3:0,hostbridge', but the machine in snapshot counter-1 has '0:0,hostbridge 31:0,lpc'",
  ],
  [['-w'], "x86.strictmsr: 'false', but the machine in snapshot counter-1 has 'true'"],
  [['-u'], "rtc.use_localtime: 'false', but the machine in snapshot counter-1 has 'true'"],
])('%j contradicts the snapshot and is refused by name', async (words, message) => {
  await suspended();
  const run = resume('counter-1', ...words);
  expect((await run.end()).status).toBe(4);
  expect(run.err).toBe(`tsbhyve: ${message}; leave it out\n`);
  expect(readdirSync(store)).toEqual(['counter-1']);
});

test('a snapshot that is not there is one line', async () => {
  const run = resume('none');
  expect((await run.end()).status).toBe(4);
  expect(run.err).toBe(`tsbhyve: none: no snapshot of this name in ${store}\n`);
});

test('--on-sigterm=suspend: SIGTERM suspends', async () => {
  const first = boot('--on-sigterm=suspend,600');
  first.type('half\n');
  await first.until(() => first.out.includes(countLine(20)));
  first.child.kill('SIGTERM');
  expect(await first.end()).toEqual({ status: 5, signal: null });
  const second = resume('counter-1');
  expect((await second.end()).status).toBe(1);
  expect(first.out + second.out).toBe(WHOLE);
});

test('where it cannot, the guest is asked to power off, and runs on until somebody insists', async () => {
  const file = join(folder, 'kernel');
  const run = boot('--on-sigterm=suspend', '--store', file);
  await run.until(() => run.out.includes(countLine(20)));
  run.child.kill('SIGTERM');
  await run.until(() => run.err.includes('the guest does not listen to the power button'));
  expect(run.err).toMatch(/^tsbhyve: SIGTERM: cannot suspend: [^\n]*; asking the guest to power off instead\n/);
  run.type('half\n');
  expect((await run.end()).status).toBe(1);
  expect(run.out).toBe(WHOLE);
});
