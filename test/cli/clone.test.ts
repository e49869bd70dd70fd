// SPDX-License-Identifier: BSD-2-Clause
/** Clones, and how to go on from a snapshot, as a person asks for them. Needs the built checkout. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { COUNT, countingGuest, countLine } from './support/counting-guest.js';
import { endRuns, Run } from './support/run.js';

const SLOW = 60_000;
const WHOLE = `${Array.from({ length: COUNT }, (_, number) => countLine(number)).join('')}half\n`;

let folder = '';
let store = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-clone-'));
  writeFileSync(join(folder, 'kernel'), countingGuest());
  store = join(folder, 'store');
  const machine = ['-m', '16', '--kernel', join(folder, 'kernel'), '--clock', 'virtual'];
  const run = new Run(...machine, '-l', 'com1,stdio', '--store', store, 'counter');
  run.type('hal');
  await run.until(() => run.out.includes(countLine(20)));
  run.child.kill('SIGUSR1');
  await run.end();
}, SLOW);
afterEach(endRuns);
afterAll(() => rmSync(folder, { recursive: true }));

const resume = (...words: string[]): Run => new Run('-r', 'counter-1', '--store', store, '-l', 'com1,stdio', ...words);

test(
  'two clones of a suspended VM go on side by side, under names of their own, and leave it as it is',
  async () => {
    const clones = ['one', 'two'].map((name) => resume('--clone', '--verify', name));
    for (const clone of clones) await clone.answers('f');
    for (const clone of clones) clone.child.kill('SIGUSR2');
    for (const clone of clones) {
      await clone.until(() => clone.err.includes('snapshot '));
      clone.type('\n');
      expect((await clone.end()).status).toBe(1);
      expect(WHOLE.endsWith(clone.out)).toBe(true);
    }
    expect(readdirSync(store).sort()).toEqual(['counter-1', 'one-1', 'two-1']);
    const files = new SnapshotStore(store);
    const [suspended, one, two] = ['counter-1', 'one-1', 'two-1'].map((name) => files.open(name).manifest);
    expect(new Set([suspended, one, two].map((manifest) => manifest?.clone.generation)).size).toBe(3);
    expect(new Set([suspended, one, two].map((manifest) => manifest?.machine.uuid)).size).toBe(3);
    for (const clone of [one, two]) {
      expect(clone?.clone.restored).toMatchObject({ from: suspended?.id, identity: 'new', advanced: 0n });
    }
  },
  SLOW,
);

test.each([
  [['--clone'], "counter-1: a clone needs a name of its own, not 'counter'"],
  [
    ['--clone', '--identity', 'keep', 'x'],
    "snapshot.identity: 'keep' with --clone: a clone has an identity of its own: new",
  ],
  [
    ['-o', 'pci.0.31.0.path=/x'],
    "pci.0.31.0.path: '/x': the machine in snapshot counter-1 lets -o replace boot.kernel",
  ],
])('%j is refused in one line', async (words, message) => {
  const run = resume(...words);
  expect((await run.end()).status).toBe(4);
  expect(run.err).toBe(`tsbhyve: ${message}\n`);
});
