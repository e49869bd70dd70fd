// SPDX-License-Identifier: BSD-2-Clause
/** Suspends of a VM with a disk, as a person meets them. Needs the built checkout. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COUNT, countingGuest, countLine } from './support/counting-guest.js';
import { endRuns, Run } from './support/run.js';

const WHOLE = `${Array.from({ length: COUNT }, (_, number) => countLine(number)).join('')}half\n`;

let folder = '';
let store = '';
let image = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-disks-'));
  store = join(folder, 'store');
  image = join(folder, 'disk.img');
  writeFileSync(join(folder, 'kernel'), countingGuest());
  writeFileSync(image, Buffer.alloc(65536));
});
afterEach(() => {
  endRuns();
  rmSync(folder, { recursive: true });
});

function boot(...words: string[]): Run {
  const machine = ['-m', '16', '--kernel', join(folder, 'kernel'), '--clock', 'virtual', '-s', `3,virtio-blk,${image}`];
  return new Run(...machine, '-s', '31,lpc', '-l', 'com1,stdio', '--store', store, ...words, 'counter');
}
const resume = (...words: string[]): Run => new Run('--store', store, '-l', 'com1,stdio', ...words);

async function suspended(): Promise<Run> {
  const run = boot();
  await run.until(() => run.out.includes(countLine(20)));
  run.child.kill('SIGUSR1');
  expect(await run.end()).toEqual({ status: 5, signal: null });
  return run;
}

test('a writable disk is no reason not to suspend, and it stays one file', async () => {
  const first = await suspended();
  const second = resume('-r', 'counter-1');
  second.type('half\n');
  expect((await second.end()).status).toBe(1);
  expect(second.err).toBe('');
  expect(first.out + second.out).toBe(WHOLE);
  expect(readdirSync(`${image}.tsbhyve`).filter((name) => name.startsWith('layer-'))).toEqual([]);
});

test('nobody else boots on it meanwhile, until the suspend is removed', async () => {
  await suspended();
  const other = boot();
  expect((await other.end()).status).toBe(4);
  expect(other.err).toBe(
    `tsbhyve: disk ${image}: belongs to the suspend counter-1: go on from it (-r ${store}/counter-1), or remove it (tsbhyve snapshot rm counter-1)\n`,
  );
  const rm = new Run('snapshot', '--store', store, 'rm', 'counter-1');
  expect((await rm.end()).status).toBe(0);
  const again = boot();
  again.type('half\n');
  expect((await again.end()).status).toBe(1);
  expect(again.out).toBe(WHOLE);
});

test('a VM that is killed after its resume boots the next time, and says so', async () => {
  await suspended();
  const run = resume('-r', 'counter-1', '--keep');
  await run.answers('x');
  run.child.kill('SIGUSR1');
  expect((await run.end()).status).toBe(5);
  const killed = resume('-r', 'counter-2');
  await killed.answers('x');
  // Whatever of it is there now is spent.
  killed.child.kill('SIGKILL');
  await killed.end();
  const wasLeft = existsSync(join(store, 'counter-2'));
  const next = boot('--continue', '--name', 'counter');
  next.type('half\n');
  expect((await next.end()).status).toBe(1);
  expect(next.out).toBe(WHOLE);
  const said = 'tsbhyve: the VM went on from counter-2 and ended without being suspended again: it boots\n';
  expect(next.err).toBe(wasLeft ? said : '');
  expect(readdirSync(store)).toEqual(['counter-1']);
});

test('a snapshot of it can be gone back to', async () => {
  const run = boot();
  await run.until(() => run.out.includes(countLine(20)));
  run.child.kill('SIGUSR2');
  await run.until(() => run.err.includes('snapshot counter-1: '));
  run.type('half\n');
  expect((await run.end()).status).toBe(1);
  for (const _ of [1, 2]) {
    const again = resume('-r', 'counter-1');
    again.type('half\n');
    expect((await again.end()).status).toBe(1);
    expect(again.err).toBe('');
    expect(WHOLE.endsWith(again.out)).toBe(true);
  }
});
