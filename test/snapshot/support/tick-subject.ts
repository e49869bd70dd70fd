// SPDX-License-Identifier: BSD-2-Clause
import type { ClockMode } from '../../../src/hypervisor/hypervisor.js';
import { type BuildOptions, buildMachine } from '../../../src/machine/build.js';
import type { ExitHash } from '../../../src/machine/exit-hash.js';
import type { Machine } from '../../../src/machine/machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import type { SnapshotFolder } from '../../../src/snapshot/snapshot-folder.js';
import type { SnapshotStore } from '../../../src/snapshot/store.js';
import { advance, type ProofSubject } from '../../support/proof.js';
import { loadTickGuest } from '../../support/tick-guest.js';

export const MS = 1_000_000n;
const EXACT: ClockMode = { kind: 'virtual', numerator: 1, denominator: 1 };
export const MEMORY = 2 * 1024 * 1024;

export interface DiskSubject extends ProofSubject {
  host(console: number[], hashExits: ExitHash | true): BuildOptions;
}

/** The guest of timer interrupts, halts, port I/O and memory writes, on the soft engine. */
export function tickSubject(clock: ClockMode = EXACT): DiskSubject {
  const host = (console: number[], hashExits: ExitHash | true): BuildOptions => ({
    outputs: { com1: { write: (byte) => console.push(byte) } },
    hashExits,
  });
  return {
    host,
    build: (console, hash) => buildMachine({ memory: MEMORY, clock }, host(console, hash)),
    start: loadTickGuest,
  };
}

/** A machine that stands still at `time`. */
export function tickMachine(time: bigint, clock?: ClockMode): Machine {
  const subject = tickSubject(clock);
  const machine = subject.build([], true);
  subject.start(machine);
  advance(machine, time);
  return machine;
}

/** Saves one at `time` under `name`. */
export function savedTick(store: SnapshotStore, name: string, time = MS): SnapshotFolder {
  const machine = tickMachine(time);
  try {
    return saveMachine(machine, store, name);
  } finally {
    machine.close();
  }
}
