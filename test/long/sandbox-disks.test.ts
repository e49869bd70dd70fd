// SPDX-License-Identifier: BSD-2-Clause
/** Disks, clones and consoles of a VM in its sandbox, over a life with many snapshots. Needs the built checkout. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { endRuns, LAUNCHER, PROGRAM, Run, runFolder } from '../cli/support/run.js';
import { temporaryFolder } from '../snapshot/support/temporary-store.js';
import { CommandShell } from './support/command-shell.js';
import { virtioGuest } from './support/debian-files.js';
import { command } from './support/debian-saves.js';

const CTL = resolve('dist/src/cli/ctl/main.js');
/** More than a chain may have without being merged. */
const SNAPSHOTS = 12;
const CHAIN_MAX = 8;
const MIB = 1024 * 1024;

afterEach(endRuns);

/** A command of the guest: the text lies in a sector of its own. */
const write = (text: string, sector: number): string =>
  `echo ${text} | dd of=/dev/vda bs=512 seek=${sector} conv=notrunc,sync,fsync 2> /dev/null`;
const read = (sector: number): string => `dd if=/dev/vda bs=512 skip=${sector} count=1 2> /dev/null | head -n 1`;

test.each([
  ['node', PROGRAM],
  ['the launcher', LAUNCHER],
])('layers merge, and a clone has a line of its own, started by %s', async (_, program) => {
  const folder = temporaryFolder();
  const [image, store, place] = [join(folder, 'disk.img'), join(folder, 'store'), runFolder()];
  writeFileSync(image, Buffer.alloc(4 * MIB));
  const { kernel, initrd } = await virtioGuest();
  const common = ['--store', store, '--log', 'info'];
  const devices = ['0,hostbridge', '31,lpc', `3,virtio-blk,${image}`].flatMap((word) => ['-s', word]);
  const boot = ['-m', '128M', ...devices, '--kernel', kernel, '--initrd', initrd, '--append', 'console=ttyS0'];
  const vm = new Run({ program, runFolder: place }, ...boot, ...common, 'vm');
  await vm.until(() => existsSync(join(place, 'vm/control')), 10);
  const ctl = (...words: string[]): Run => new Run({ program: CTL, runFolder: place }, '--vm=vm', ...words);
  const console = ctl('console');
  const shell = new CommandShell(console);
  await shell.answer();

  for (let count = 1; count <= SNAPSHOTS; count += 1) {
    await shell.ask(write(`text-${count}`, count));
    expect(await ctl(`--checkpoint=s${count}`).end()).toMatchObject({ status: 0 });
  }
  const layers = (): number => Number(/([0-9]+) layers?, in use/.exec(command('disk', 'info', image))?.[1] ?? 0);
  // The layer that is written to lies above the chain. Merging is done beside the guest's work.
  await vm.until(() => layers() <= CHAIN_MAX + 1, 100);
  for (let count = 1; count <= SNAPSHOTS; count += 1) expect(await shell.ask(read(count))).toContain(`text-${count}\n`);

  const clone = new Run({ program, runFolder: place }, '-r', 's5', '--clone', ...common, '-l', 'com1,stdio', 'twin');
  const twin = new CommandShell(clone);
  clone.type('\n');
  await twin.answer();
  expect(await twin.ask(read(5))).toContain('text-5\n');
  expect(await twin.ask(read(6))).not.toContain('text-');
  await twin.ask(write('twins', 6));
  expect(await shell.ask(read(6))).toContain('text-6\n');
  clone.err = '';
  clone.child.kill('SIGUSR2');
  await clone.until(() => clone.err.includes('snapshot twin-1: '));
  await twin.ask(write('later', 6));
  clone.type('poweroff\n');
  expect(await clone.end()).toMatchObject({ status: 1 });

  // A console that is left is found again as it was.
  console.child.kill('SIGTERM');
  expect(await console.end()).toMatchObject({ status: 0 });
  const again = ctl('console');
  const last = new CommandShell(again);
  expect(await last.ask(read(6))).toContain('text-6\n');
  again.type('poweroff\n');
  expect(await vm.end()).toMatchObject({ status: 1 });
  for (const said of [vm.err, clone.err]) expect(said).not.toMatch(/cannot|denied|EACCES|EPERM/);
  expect(vm.err).toContain('sandbox: seccomp');

  const restored = new Run({ program, runFolder: place }, '-r', 'twin-1', ...common, '-l', 'com1,stdio');
  const old = new CommandShell(restored);
  expect(await old.ask(read(6))).toContain('twins\n');
  restored.type('poweroff\n');
  expect(await restored.end()).toMatchObject({ status: 1 });
  expect(command('disk', 'info', image)).toMatch(/^ {2}clone twin: /m);
  command('disk', 'export', image, join(folder, 'flat.img'), '--snapshot', 's7');
  expect(
    readFileSync(join(folder, 'flat.img'))
      .subarray(7 * 512, 7 * 512 + 6)
      .toString(),
  ).toBe('text-7');
});
