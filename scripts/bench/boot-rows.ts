// SPDX-License-Identifier: BSD-2-Clause
/** A kernel to its first line of user space, beside QEMU with either processor: the faster one counts. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/hypervisor/package-root.js';
import { GUEST_UP } from '../quickstart/initramfs.js';
import { inTurns } from './in-turns.js';
import { type Boot, boot } from './measurements.js';
import { type BenchGuest, GUEST_MIB, qemu, qemuMax, tsbhyve } from './programs.js';
import { atLeast, atMost, type Row } from './report.js';
import { median } from './statistics.js';

/** Of QEMU's time. */
const TIME_WANTED = 0.8;
const RATE_WANTED = 150;
const MEMORY_WANTED = 150;

export async function bootRows(
  guest: Required<BenchGuest>,
  runs: number,
  progress: (text: string) => void,
): Promise<Row[]> {
  const boots = await inTurns(
    runs,
    {
      tsbhyve: () => boot(tsbhyve, guest, GUEST_UP),
      qemu64: () => boot(qemu, guest, GUEST_UP),
      max: () => boot(qemuMax, guest, GUEST_UP),
    },
    (run) => progress(`booting Linux, ${run} of ${runs}`),
  );
  const seconds = (all: readonly Boot[]): number => median(all.map((one) => one.seconds));
  const memory = (all: readonly Boot[]): number => median(all.map((one) => one.memoryMib));
  const [ours, qemu64, max] = [seconds(boots.tsbhyve), seconds(boots.qemu64), seconds(boots.max)];
  progress('counting instructions');
  const counts = Array.from({ length: runs }, () => countInstructions(guest));
  const rate = median(counts.map((one) => one.instructions / one.seconds / 1e6));
  const instructions = median(counts.map((one) => one.instructions)) / 1e6;
  const memoryMib = memory(boots.tsbhyve);
  return [
    {
      name: 'boot to the first line',
      unit: 's',
      tsbhyve: ours,
      qemu: qemu64,
      beside: { '-cpu max': max },
      bar: atMost(ours, TIME_WANTED * Math.min(qemu64, max), `${TIME_WANTED} times QEMU's`),
    },
    {
      name: 'instructions over the boot',
      unit: 'million/s',
      tsbhyve: rate,
      qemu: instructions / qemu64,
      beside: { '-cpu max': instructions / max },
      bar: atLeast(rate, RATE_WANTED, `${RATE_WANTED}`),
    },
    {
      name: 'memory beyond guest RAM',
      unit: 'MiB',
      tsbhyve: memoryMib,
      qemu: memory(boots.qemu64),
      beside: { '-cpu max': memory(boots.max) },
      bar: atMost(memoryMib, MEMORY_WANTED, `${MEMORY_WANTED}`),
    },
  ];
}

function countInstructions({ kernel, initrd, append }: Required<BenchGuest>): {
  instructions: number;
  seconds: number;
} {
  const program = join(packageRoot(), 'dist/scripts/bench/count-instructions.js');
  const words = [program, kernel, initrd, append, String(GUEST_MIB), GUEST_UP];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' }));
}
