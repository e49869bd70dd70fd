// SPDX-License-Identifier: BSD-2-Clause
/** The command lines that are compared: the same guest, once under tsbhyve and once under QEMU's own translator. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/hypervisor/package-root.js';
import { BenchError } from './bench-error.js';

export const GUEST_MIB = 256;
const QEMU = 'qemu-system-x86_64';

/** What to boot. Multiboot kernels have neither initrd nor command line. */
export interface BenchGuest {
  readonly kernel: string;
  readonly initrd?: string;
  readonly append?: string;
}

export interface Program {
  readonly name: 'tsbhyve' | 'QEMU';
  command(guest: BenchGuest): readonly string[];
}

function bootOptions({ kernel, initrd, append }: BenchGuest, dash: '-' | '--'): string[] {
  const words = [`${dash}kernel`, kernel];
  if (initrd !== undefined) words.push(`${dash}initrd`, initrd);
  if (append !== undefined) words.push(`${dash}append`, append);
  return words;
}

export const tsbhyve: Program = {
  name: 'tsbhyve',
  command: (guest) => {
    const main = join(packageRoot(), 'dist/src/cli/main.js');
    const machine = ['-u', '-m', `${GUEST_MIB}M`, '--engine', 'soft', '--clock', 'real', '-l', 'com1,stdio'];
    return [process.execPath, main, ...machine, ...bootOptions(guest, '--'), `bench-${process.pid}`];
  },
};

export const qemu: Program = {
  name: 'QEMU',
  command: (guest) => {
    const machine = ['-M', 'q35', '-accel', 'tcg', '-cpu', 'qemu64', '-m', String(GUEST_MIB)];
    const devices = ['-nodefaults', '-display', 'none', '-serial', 'stdio', '-no-reboot'];
    return [QEMU, ...machine, ...devices, ...bootOptions(guest, '-')];
  },
};

export function qemuVersion(): string {
  const { stdout, error } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  if (error) throw new BenchError(`${QEMU} is not installed: it is in Debian's package qemu-system-x86`);
  return /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
}

export function requireBuild(): void {
  for (const file of ['dist/src/cli/main.js', 'build/Release/tsbhyve.node']) {
    const path = join(packageRoot(), file);
    if (!existsSync(path)) throw new BenchError(`${path} is missing: npm run build makes it`);
  }
}
