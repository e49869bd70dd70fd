// SPDX-License-Identifier: BSD-2-Clause
/** Disks, clones, consoles and taps of a VM in its sandbox. Needs the built checkout. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { endRuns, LAUNCHER, PROGRAM, Run, runFolder } from '../cli/support/run.js';
import { temporaryFolder } from '../snapshot/support/temporary-store.js';
import { CommandShell } from './support/command-shell.js';
import { netGuest, virtioGuest } from './support/debian-files.js';
import { command } from './support/debian-saves.js';
import { canTap, ip, TapHost } from './support/tap-host.js';

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

const PROGRAMS = [
  ['node', PROGRAM],
  ['the launcher', LAUNCHER],
] as const;

test.each(PROGRAMS)('layers merge, and a clone has a line of its own, started by %s', async (_, program) => {
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

/** A guest behind a tap at `address` finds its host, and ends. */
async function pings(program: string, tap: string, host: string, address: string): Promise<void> {
  const { kernel, initrd } = await netGuest();
  const devices = ['0,hostbridge', '31,lpc', `3,virtio-net,tap=${tap}`].flatMap((word) => ['-s', word]);
  const boot = ['-m', '128M', ...devices, '--kernel', kernel, '--initrd', initrd, '--append', 'console=ttyS0'];
  const words = [...boot, '-l', 'com1,stdio', '--store', join(temporaryFolder(), 'store'), '--log', 'info', 'vm'];
  const vm = new Run({ program }, ...words);
  const shell = new CommandShell(vm);
  await shell.answer();
  // One that the VM makes is there since it runs.
  ip('addr', 'replace', `${host}/24`, 'dev', tap);
  await shell.ask(`ip addr add ${address}/24 dev eth0; ip link set eth0 up`);
  expect(await shell.ask(`ping -c 3 ${host}`)).toContain(' 0% packet loss');
  vm.type('poweroff\n');
  expect(await vm.end()).toMatchObject({ status: 1 });
  expect(vm.err).toContain('sandbox: seccomp');
  expect(vm.err).not.toMatch(/cannot|denied|EACCES|EPERM/);
}

(canTap ? describe : describe.skip).each(PROGRAMS)('started by %s', (_, program) => {
  test('a tap that is given', async () => {
    const tap = new TapHost(`tss${process.pid % 100_000}`, 11);
    try {
      await pings(program, tap.name, tap.host, tap.guest);
    } finally {
      tap.close();
    }
  });

  test('a tap that is made goes with the VM', async () => {
    const name = `tsn${process.pid % 100_000}`;
    await pings(program, name, '10.99.12.1', '10.99.12.2');
    expect(() => ip('link', 'show', name)).toThrow();
  });
});
