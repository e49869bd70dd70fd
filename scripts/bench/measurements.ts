// SPDX-License-Identifier: BSD-2-Clause
/** What is measured, each in processes of their own. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryBeyondGuest } from './guest-pages.js';
import { DOT, loopKernel } from './loop-kernel.js';
import type { BenchGuest, Program } from './programs.js';
import { RunningGuest } from './running-guest.js';
import { median } from './statistics.js';

/** Accesses between two dots: long enough that the way of a dot to us does not count. */
const BATCH = 50_000;
const BATCHES = 41;
/** Caches, translations and JavaScript need some time to become warm. */
const BATCHES_LEFT_OUT = 10;

export interface Boot {
  /** From the start of the process to the first line of user space. */
  readonly seconds: number;
  readonly memoryMib: number;
}

export async function boot(program: Program, guest: BenchGuest, firstLine: string): Promise<Boot> {
  const running = new RunningGuest(program.command(guest));
  try {
    const milliseconds = await running.until(firstLine, (text) => text.includes(firstLine));
    return { seconds: milliseconds / 1000, memoryMib: memoryBeyondGuest(running.pid) };
  } finally {
    running.kill();
  }
}

/** Nanoseconds of one access, the median of the batches. */
export async function roundTrip(program: Program, access: readonly number[], folder: string): Promise<number> {
  const kernel = join(folder, 'loop.bin');
  writeFileSync(kernel, loopKernel(access, BATCH));
  const arrivals: number[] = [];
  const running = new RunningGuest(program.command({ kernel }), (count, milliseconds) => {
    for (let dot = 0; dot < count; dot += 1) arrivals.push(milliseconds);
  });
  try {
    await running.until('dots', () => arrivals.length > BATCHES_LEFT_OUT + BATCHES);
  } finally {
    running.kill();
  }
  const gaps = arrivals.slice(1).map((arrival, index) => arrival - (arrivals[index] ?? Number.NaN));
  return (median(gaps.slice(BATCHES_LEFT_OUT)) * 1e6) / BATCH;
}

/** Milliseconds from the start of the process to the first thing a guest of a few instructions says. */
export async function startUp(program: Program, access: readonly number[], folder: string): Promise<number> {
  const kernel = join(folder, 'first-dot.bin');
  writeFileSync(kernel, loopKernel(access, 1));
  const running = new RunningGuest(program.command({ kernel }));
  try {
    return await running.until('dot', (text) => text.includes(DOT));
  } finally {
    running.kill();
  }
}

/** Milliseconds of a node that does nothing, as a measure of this host. */
export function emptyNode(): number {
  const started = performance.now();
  spawnSync(process.execPath, ['-e', '']);
  return performance.now() - started;
}
