// SPDX-License-Identifier: BSD-2-Clause
/** What a VM costs that has nothing to do: processor time of its process, from proc(5). */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../src/hypervisor/package-root.js';
import { PROMPT } from '../quickstart/initramfs.js';
import { BenchError } from './bench-error.js';
import { type BenchGuest, type Program, tsbhyve } from './programs.js';
import { atMost, type Row } from './report.js';
import { RunningGuest } from './running-guest.js';

/** A kernel that has just booted still puts things in order. */
const SETTLE_MS = 5000;
const WATCH_MS = 10_000;
/** proc(5): what utime and stime count in on Linux, whatever the kernel's own tick. */
const TICK_MS = 10;
/** proc(5), counted from the field after the program's name. */
const UTIME = 11;
const STIME = 12;
const MOST_PERCENT = 2;

export async function idleRows(guest: BenchGuest): Promise<Row[]> {
  const { idle, paused } = await idleCost(tsbhyve, guest);
  return [row('an idle guest', idle), row('a paused guest', paused)];
}

/** Percent of one core: of a guest at its prompt under the host's clock, and of the same guest paused. */
export async function idleCost(program: Program, guest: BenchGuest): Promise<{ idle: number; paused: number }> {
  const running = new RunningGuest(program.command(guest));
  try {
    await running.until('prompt', (text) => text.includes(PROMPT));
    await sleep(SETTLE_MS);
    const idle = await percentOfCore(running.pid);
    pause(program.command(guest).at(-1) ?? '');
    const paused = await percentOfCore(running.pid);
    return { idle, paused };
  } finally {
    running.kill();
  }
}

function row(name: string, percent: number): Row {
  const bar = atMost(percent, MOST_PERCENT, `${MOST_PERCENT}`);
  return { name, unit: '% of a core', tsbhyve: percent, qemu: null, bar };
}

function pause(vm: string): void {
  const program = join(packageRoot(), 'dist/bundle/tsbhyvectl.js');
  const { status, stderr } = spawnSync(process.execPath, [program, `--vm=${vm}`, '--pause'], { encoding: 'utf8' });
  if (status !== 0) throw new BenchError(`tsbhyvectl --pause ended with status ${status}: ${stderr}`);
}

async function percentOfCore(pid: number): Promise<number> {
  const [started, before] = [performance.now(), processorTime(`/proc/${pid}/stat`)];
  await sleep(WATCH_MS);
  return (100 * (processorTime(`/proc/${pid}/stat`) - before)) / (performance.now() - started);
}

/** Milliseconds that all threads of a process have run, or one: `stat` is the path of its proc(5) file. */
export function processorTime(stat: string): number {
  const text = readFileSync(stat, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name may hold anything
  return TICK_MS * (Number(fields[UTIME]) + Number(fields[STIME]));
}
