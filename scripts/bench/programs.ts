// SPDX-License-Identifier: BSD-2-Clause
/** The command lines that are compared: the same guest, once under tsbhyve and once under QEMU's own translator. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/hypervisor/package-root.js';
import { BenchError } from './bench-error.js';

export const GUEST_MIB = 256;
const QEMU = 'qemu-system-x86_64';
/** What `tsbhyve` is in an installed package. */
export const PROGRAM = join(packageRoot(), 'dist/bundle/tsbhyve.js');

/** What to boot. Multiboot kernels have neither initrd nor command line. */
export interface BenchGuest {
  readonly kernel: string;
  readonly initrd?: string;
  readonly append?: string;
}

export interface ProgramOptions {
  /** Guest memory; `GUEST_MIB` unless given. */
  readonly mib?: number;
  /** Words of this program alone, after all others. */
  readonly more?: readonly string[];
}

export interface Program {
  readonly name: 'tsbhyve' | 'QEMU';
  command(guest: BenchGuest, options?: ProgramOptions): readonly string[];
}

function bootOptions({ kernel, initrd, append }: BenchGuest, dash: '-' | '--'): string[] {
  const words = [`${dash}kernel`, kernel];
  if (initrd !== undefined) words.push(`${dash}initrd`, initrd);
  if (append !== undefined) words.push(`${dash}append`, append);
  return words;
}

function tsbhyveWith(options: readonly string[]): Program {
  return {
    name: 'tsbhyve',
    command: (guest, { mib = GUEST_MIB, more = [`bench-${process.pid}`] } = {}) => {
      const machine = ['-u', '-m', `${mib}M`, '--engine', 'soft', '--clock', 'real', '-l', 'com1,stdio'];
      return [process.execPath, PROGRAM, ...machine, ...options, ...bootOptions(guest, '--'), ...more];
    },
  };
}

export const TRANSLATOR_OFF = ['--translator', 'off'];
export const tsbhyve = tsbhyveWith([]);
/** Tier 1 alone. */
export const tsbhyveTier1 = tsbhyveWith(TRANSLATOR_OFF);

function qemuWith(cpu: string): Program {
  return {
    name: 'QEMU',
    command: (guest, { mib = GUEST_MIB, more = [] } = {}) => {
      const machine = ['-M', 'q35', '-accel', 'tcg', '-cpu', cpu, '-m', String(mib)];
      const devices = ['-nodefaults', '-display', 'none', '-serial', 'stdio', '-no-reboot'];
      return [QEMU, ...machine, ...devices, ...bootOptions(guest, '-'), ...more];
    },
  };
}

export const qemu = qemuWith('qemu64');
/** Everything that it can emulate. */
export const qemuMax = qemuWith('max');

export function qemuVersion(): string {
  const { stdout, error } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  if (error) throw new BenchError(`${QEMU} is not installed: it is in Debian's package qemu-system-x86`);
  return /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
}

export function requireBuild(): void {
  for (const path of [PROGRAM, join(packageRoot(), 'build/Release/tsbhyve.node')]) {
    if (!existsSync(path)) throw new BenchError(`${path} is missing: npm run build makes it`);
  }
}
