// SPDX-License-Identifier: BSD-2-Clause
/** Runs a machine on the thread that calls: for tests and scripts. The program runs machines in Workers. */
import { NEVER } from '../hypervisor/exit.js';
import type { SliceEnd } from './exit-loop.js';
import type { Machine } from './machine.js';
import type { StopReason } from './stop.js';

/** Longest sleep at once, so that a wait for nothing can be noticed. */
const MAX_SLEEP_MS = 100;
const NANOSECONDS_A_MS = 1_000_000;

/** Sleeps until the next event of an idle machine, or 100 ms. `seen` are the wakes from before it was found idle. */
export function sleepIdle(machine: Machine, seen: number): void {
  const idle = machine.idleTime;
  const milliseconds = idle === null ? MAX_SLEEP_MS : Number(idle) / NANOSECONDS_A_MS;
  machine.parts.events.sleep(seen, Math.min(milliseconds, MAX_SLEEP_MS));
}

/** Runs up to VM time `limit`. 'idle' means that nothing will ever happen by itself. */
export function runUntil(machine: Machine, limit: bigint): SliceEnd {
  for (;;) {
    const seen = machine.parts.events.wakes;
    const end = machine.runSlice(limit);
    if (end === 'limit' || end === 'stopped') return end;
    if (end === 'ran') continue;
    if (machine.idleTime === null && !machine.hostIsAtWork) return 'idle';
    sleepIdle(machine, seen);
  }
}

export function runUntilStopped(machine: Machine): StopReason | null {
  runUntil(machine, NEVER);
  return machine.stopReason;
}
