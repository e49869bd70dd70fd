// SPDX-License-Identifier: BSD-2-Clause
/**
 * The proof in one process: a machine that is saved and restored on its way arrives at the same bits as one that was
 * left alone. Time is VM time, so the machine must have the virtual clock.
 */
import { createHash } from 'node:crypto';
import { type CborValue, decode, encode } from '../../src/core/cbor.js';
import type { ExitHash } from '../../src/machine/exit-hash.js';
import type { Machine } from '../../src/machine/machine.js';
import { copyMemory, loadTree, restoreMemory, saveTree } from '../../src/machine/machine-state.js';
import { runUntil } from '../../src/machine/run.js';

/** Everything that must be equal. */
export interface Evidence {
  readonly time: bigint;
  readonly instructions: bigint;
  readonly memory: readonly string[];
  readonly tree: CborValue;
  readonly console: string;
  readonly exits: string | undefined;
}

export interface ProofSubject {
  /** A machine like every other that this makes. Its console output goes to `console`. */
  build(console: number[], hash: ExitHash | true): Machine;
  /** What `build` leaves to be done before a machine runs for the first time. */
  start(machine: Machine): void;
}

export interface SavedMachine {
  readonly tree: Uint8Array;
  readonly memory: readonly Uint8Array[];
  readonly hash: ExitHash;
}

/** Runs to `end`, saved and restored into a new machine at each of the `cuts`. `change` may spoil what was saved. */
export function runTo(
  subject: ProofSubject,
  end: bigint,
  cuts: readonly bigint[] = [],
  change: (saved: SavedMachine) => SavedMachine = (saved) => saved,
): Evidence {
  const output: number[] = [];
  let machine = subject.build(output, true);
  try {
    subject.start(machine);
    for (const cut of cuts) {
      advance(machine, cut);
      const saved = change(save(machine));
      machine.close();
      machine = subject.build(output, saved.hash);
      restoreMemory(machine.parts.engine.memory, saved.memory);
      loadTree(machine, decode(saved.tree));
    }
    advance(machine, end);
    return evidence(machine, output);
  } finally {
    machine.close();
  }
}

function advance(machine: Machine, time: bigint): void {
  machine.resume();
  const how = runUntil(machine, time);
  if (how !== 'limit') throw new Error(`the machine did not reach ${time}: ${how} ${machine.stopReason?.kind ?? ''}`);
  machine.pause();
}

function save(machine: Machine): SavedMachine {
  const { hash, engine } = machine.parts;
  if (hash === null) throw new Error('a proof needs the exit hash');
  return { tree: encode(saveTree(machine)), memory: copyMemory(engine.memory), hash: hash.copy() };
}

function evidence(machine: Machine, output: readonly number[]): Evidence {
  const { engine, hash } = machine.parts;
  return {
    time: machine.time,
    instructions: machine.instructions,
    memory: engine.memory.segments.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex')),
    tree: decode(encode(saveTree(machine))),
    console: String.fromCharCode(...output),
    exits: hash?.digest(),
  };
}
