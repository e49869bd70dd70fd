// SPDX-License-Identifier: BSD-2-Clause
/**
 * The proof in one process: a machine that is saved and restored on its way arrives at the same bits as one that was
 * left alone. Time is VM time, so the machine must have the virtual clock.
 */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { type CborValue, decode, encode } from '../../src/core/cbor.js';
import { NEVER } from '../../src/hypervisor/exit.js';
import type { ExitHash } from '../../src/machine/exit-hash.js';
import type { SliceEnd } from '../../src/machine/exit-loop.js';
import type { Machine } from '../../src/machine/machine.js';
import { copyMemory, loadTree, restoreMemory, saveTree } from '../../src/machine/machine-state.js';
import { runUntil } from '../../src/machine/run.js';
import { between, deliver, type Incoming } from './incoming.js';
import { MemoryDisk } from './memory-disk.js';

/** Everything that must be equal. */
export interface Evidence {
  readonly time: bigint;
  readonly instructions: bigint;
  readonly memory: readonly string[];
  /** Those in memory; an image file goes its own way. */
  readonly disks: readonly string[];
  /** Null when the guest has ended the machine, or did not come to the end of its time: it is not to be saved then. */
  readonly tree: CborValue;
  readonly stop: string | null;
  readonly console: string;
  readonly exits: string | undefined;
}

export interface ProofSubject {
  /** A machine like every other that this makes. Its console output goes to `console`. */
  build(console: number[], hash: ExitHash | true): Machine;
  /** What `build` leaves to be done before a machine runs for the first time. */
  start(machine: Machine): void;
  /** What comes in from outside, and when, in order; nothing, unless given. */
  readonly inputs?: readonly Incoming[];
}

export interface SavedMachine {
  readonly time: bigint;
  readonly tree: Uint8Array;
  readonly memory: readonly Uint8Array[];
  readonly disks: readonly Uint8Array[];
  readonly hash: ExitHash;
  /** What the guest had written on its console by then. */
  readonly output: readonly number[];
}

/** Runs to `end`, saved and restored into a new machine at each of the `cuts`. `change` may spoil what was saved. */
export function runTo(
  subject: ProofSubject,
  end: bigint,
  cuts: readonly bigint[] = [],
  change: (saved: SavedMachine) => SavedMachine = (saved) => saved,
): Evidence {
  let output: number[] = [];
  let machine = subject.build(output, true);
  try {
    subject.start(machine);
    for (const cut of cuts) {
      advance(machine, cut, subject.inputs);
      const saved = change(save(machine, output));
      machine.close();
      output = [...saved.output];
      machine = subject.build(output, saved.hash);
      restore(machine, saved);
    }
    return finish(machine, output, end, NEVER, subject.inputs);
  } finally {
    machine.close();
  }
}

/** What one run, stopped but never replaced, saves at each of the `cuts`. */
export function* savesOf(subject: ProofSubject, cuts: readonly bigint[]): Generator<SavedMachine, void> {
  const output: number[] = [];
  const machine = subject.build(output, true);
  try {
    subject.start(machine);
    for (const cut of cuts) {
      advance(machine, cut, subject.inputs);
      yield save(machine, output);
    }
  } finally {
    machine.close();
  }
}

/** Puts a save into a machine that was just built. */
export type Restoring = (machine: Machine, saved: SavedMachine) => void;

/** Restores a save and runs it to `end`, or until it has retired far more instructions than `most`. */
export function runFrom(
  subject: ProofSubject,
  saved: SavedMachine,
  end: bigint,
  most = NEVER,
  restoring: Restoring = restore,
): Evidence {
  const output = [...saved.output];
  const machine = subject.build(output, saved.hash.copy());
  try {
    restoring(machine, saved);
    return finish(machine, output, end, most, subject.inputs);
  } finally {
    machine.close();
  }
}

/** Names the first thing that differs, or null. */
export function firstDifference(one: Evidence, other: Evidence): string | null {
  for (const name of ['stop', 'time', 'instructions', 'console', 'exits'] as const) {
    if (one[name] !== other[name]) return `${name}: ${one[name]} and ${other[name]}`;
  }
  const segment = one.memory.findIndex((digest, index) => digest !== other.memory[index]);
  if (segment >= 0) return `memory segment ${segment}`;
  const disk = one.disks.findIndex((digest, index) => digest !== other.disks[index]);
  if (disk >= 0) return `disk ${disk}`;
  return treeDifference(one.tree, other.tree, 'tree');
}

function treeDifference(one: CborValue | undefined, other: CborValue | undefined, path: string): string | null {
  if (one instanceof Uint8Array && other instanceof Uint8Array) {
    if (Buffer.compare(one, other) === 0) return null;
    return `${path}: byte ${one.findIndex((byte, index) => byte !== other[index])} of ${one.length} and ${other.length}`;
  }
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
    return one === other ? null : `${path}: ${inspect(one)} and ${inspect(other)}`;
  }
  const [left, right] = [new Map(Object.entries(one)), new Map(Object.entries(other))];
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const found = treeDifference(left.get(key), right.get(key), `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

export function advance(machine: Machine, time: bigint, inputs: readonly Incoming[] = []): void {
  machine.resume();
  const how = reach(machine, time, inputs);
  if (how !== 'limit') throw new Error(`the machine did not reach ${time}: ${how} ${machine.stopReason?.kind ?? ''}`);
  machine.pause();
}

/** Runs to `time`, with what comes in on the way. */
export function reach(machine: Machine, time: bigint, inputs: readonly Incoming[] = []): SliceEnd {
  for (const { time: next, name, given } of between(inputs, machine.time, time)) {
    const how = runUntil(machine, next);
    if (how !== 'limit') return how;
    deliver(machine, name, given);
  }
  return runUntil(machine, time);
}

/** No snapshot holds it, because no guest can see it. */
export function exitHash({ parts: { hash } }: Machine): ExitHash {
  if (hash === null) throw new Error('a proof needs the exit hash');
  return hash.copy();
}

export function save(machine: Machine, output: readonly number[]): SavedMachine {
  return {
    time: machine.time,
    tree: encode(saveTree(machine)),
    memory: copyMemory(machine.parts.engine.memory),
    disks: disksOf(machine).map(({ bytes }) => bytes.slice()),
    hash: exitHash(machine),
    output: [...output],
  };
}

export function restore(machine: Machine, saved: SavedMachine): void {
  restoreContents(machine, saved);
  loadTree(machine, decode(saved.tree));
}

/** Of memory and disks. */
export function restoreContents(machine: Machine, { memory, disks }: SavedMachine): void {
  restoreMemory(machine.parts.engine.memory, memory);
  for (const [index, disk] of disksOf(machine).entries()) disk.bytes.set(disks[index] ?? []);
}

/** Runs to `end` or to the guest's own, or until far more instructions than `most` are retired. */
export function finish(
  machine: Machine,
  output: readonly number[],
  end: bigint,
  most = NEVER,
  inputs: readonly Incoming[] = [],
): Evidence {
  machine.resume();
  const run = (limit: bigint): SliceEnd => {
    let how = machine.runSlice(limit);
    while (how === 'ran' && machine.instructions < most) how = machine.runSlice(limit);
    return how;
  };
  for (const { time, name, given } of between(inputs, machine.time, end)) {
    if (run(time) !== 'limit') break;
    deliver(machine, name, given);
  }
  if (machine.state === 'running' && run(end) === 'limit') machine.pause();
  return evidence(machine, output);
}

function disksOf({ parts }: Machine): MemoryDisk[] {
  return parts.disks.flatMap(({ backend }) => (backend instanceof MemoryDisk ? [backend] : []));
}

function digestOf({ bytes }: { readonly bytes: Uint8Array }): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function evidence(machine: Machine, output: readonly number[]): Evidence {
  const { engine, hash } = machine.parts;
  return {
    time: machine.time,
    instructions: machine.instructions,
    memory: engine.memory.segments.map(digestOf),
    disks: disksOf(machine).map(digestOf),
    tree: machine.state === 'paused' ? decode(encode(saveTree(machine))) : null,
    stop: machine.stopReason === null ? null : JSON.stringify(machine.stopReason),
    console: String.fromCharCode(...output),
    exits: hash?.digest(),
  };
}
