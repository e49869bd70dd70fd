// SPDX-License-Identifier: BSD-2-Clause
/** The Debian of `npm run debian-image` under either program, with the same disks and the same kind of network. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { copyDisk } from '../../debian-image/copy-disk.js';
import { DebianShell } from '../../debian-image/debian-shell.js';
import { APPEND, type DebianImage, imageAt, imageFolder } from '../../debian-image/image.js';
import { cacheFolder } from '../../quickstart/guest.js';
import { BenchError } from '../bench-error.js';
import { type Program, qemu, tsbhyve } from '../programs.js';
import { RunningGuest } from '../running-guest.js';

/** Of the guest's memory. */
const MIB = 1024;
const SCRATCH_MIB = 1024;

export interface DebianBench {
  readonly runs: number;
  /** For copies of disks. */
  readonly folder: string;
  readonly progress: (text: string) => void;
}

/** None; the program's own user-mode network; or a tap device of the host. */
export type Network = 'none' | 'user' | { readonly tap: string };

/** Beside its own disk. */
export interface DebianDevices {
  /** A raw, empty disk, /dev/vdb. */
  readonly scratch?: string;
  readonly network?: Network;
}

export function hasImage(): boolean {
  return existsSync(cachedImage().disk);
}

export function benchImage(): DebianImage {
  const image = cachedImage();
  if (hasImage()) return image;
  throw new BenchError(`no Debian in ${image.folder}: npm run debian-image -- --no-boot makes it`);
}

function cachedImage(): DebianImage {
  return imageAt(imageFolder(cacheFolder(process.env)));
}

/** With every block in place and in the page cache: what is compared is the way to there. */
export function scratchDisk(folder: string): string {
  const scratch = join(folder, 'scratch.img');
  execFileSync('dd', ['if=/dev/zero', `of=${scratch}`, 'bs=1M', `count=${SCRATCH_MIB}`, 'conv=fsync', 'status=none']);
  return scratch;
}

function ourWords(root: string, { scratch, network = 'none' }: DebianDevices): string[] {
  const devices = ['0,hostbridge', '31,lpc', `3,virtio-blk,${root}`, '4,virtio-rnd'];
  if (scratch !== undefined) devices.push(`5,virtio-blk,${scratch}`);
  if (network === 'user') devices.push('6,virtio-net,slirp');
  else if (network !== 'none') devices.push(`6,virtio-net,tap=${network.tap}`);
  return [...devices.flatMap((device) => ['-s', device]), `bench-${process.pid}`];
}

/** QEMU's usual raw back end: through the page cache, flushed when the guest asks, as ours is. */
function theirWords(root: string, { scratch, network = 'none' }: DebianDevices): string[] {
  const disk = (file: string, id: string): string[] => [
    ...['-drive', `file=${file},if=none,id=${id},format=raw,cache=writeback,aio=threads`],
    ...['-device', `virtio-blk-pci,drive=${id}`],
  ];
  const words = ['-name', 'bench,debug-threads=on', ...disk(root, 'root'), '-device', 'virtio-rng-pci'];
  if (scratch !== undefined) words.push(...disk(scratch, 'scratch'));
  if (network === 'none') return words;
  const backEnd = network === 'user' ? 'user,id=net' : `tap,id=net,ifname=${network.tap},script=no,downscript=no`;
  return [...words, '-netdev', backEnd, '-device', 'virtio-net-pci,netdev=net'];
}

export class DebianVm {
  readonly shell: DebianShell;

  private constructor(readonly running: RunningGuest) {
    let text = '';
    this.shell = new DebianShell({
      output: () => text,
      type: (typed) => running.type(typed),
      until: async (isThere) => {
        const look = (all: string): boolean => {
          text = all;
          return isThere();
        };
        await running.until('answer', look);
      },
    });
  }

  /** On a copy of the image's disk in `folder`. */
  static async boot(program: Program, folder: string, devices: DebianDevices): Promise<DebianVm> {
    const { disk, kernel, initrd } = benchImage();
    const root = join(folder, `root-${program.name}.img`);
    await copyDisk(disk, root);
    const words = { tsbhyve: ourWords, QEMU: theirWords }[program.name];
    const guest = { kernel, initrd, append: APPEND };
    return new DebianVm(new RunningGuest(program.command(guest, { mib: MIB, more: words(root, devices) })));
  }

  kill(): void {
    this.running.kill();
  }
}

export const PROGRAMS = [tsbhyve, qemu] as const;
