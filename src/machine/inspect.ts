// SPDX-License-Identifier: BSD-2-Clause
/** What a person may want to see of a machine that goes on: registers by group, and counters. */
import type { Vcpu } from '../hypervisor/hypervisor.js';
import { LAPIC_ROWS, REGISTER_COUNT, REGISTER_ROWS, RegisterGroup } from '../hypervisor/registers.js';
import { type BalloonStats, balloonStats } from './balloon.js';
import type { Machine } from './machine.js';

/** Register groups of the engine contract, in one native call, and what it has a call of its own for. */
const REGISTER_GROUPS = {
  general: RegisterGroup.General,
  segments: RegisterGroup.Segments,
  control: RegisterGroup.Control,
  debug: RegisterGroup.Debug,
  events: RegisterGroup.Events,
} as const;
type RegisterGroupName = keyof typeof REGISTER_GROUPS;

export const STATE_GROUPS = ['general', 'segments', 'control', 'debug', 'events', 'lapic', 'msrs', 'xsave'] as const;
export type StateGroup = (typeof STATE_GROUPS)[number];

/** By group and name; lists for the rows of a local APIC that have several words, and MSRs by their number in hex. */
export type ProcessorState = Readonly<
  Partial<Record<StateGroup, Readonly<Record<string, bigint | readonly bigint[] | Uint8Array>>>>
>;

export interface VcpuStats {
  readonly instructions: bigint;
  readonly exits: Readonly<Record<string, number>>;
  /** What the engine has done for it, by name. */
  readonly engine: Readonly<Record<string, number>>;
}

export interface MachineStats {
  /** VM time in nanoseconds. */
  readonly time: bigint;
  /** Of all vCPUs together. */
  readonly instructions: bigint;
  /** By vCPU: what it has retired, and counts since this process has the machine. */
  readonly vcpus: readonly VcpuStats[];
  readonly memory: number;
  readonly balloon: BalloonStats | null;
}

export function groupOf(name: string): StateGroup | undefined {
  const row = REGISTER_ROWS.find((candidate) => candidate.name === name);
  return REGISTER_GROUP_NAMES.find((group) => REGISTER_GROUPS[group] === row?.group);
}

const REGISTER_GROUP_NAMES = Object.keys(REGISTER_GROUPS) as readonly RegisterGroupName[];

/** Finishes the instruction that the vCPU is in, because state is whole only between two. */
export function readProcessor(machine: Machine, groups: readonly StateGroup[], index = 0): ProcessorState {
  const { vcpus } = machine.parts.engine;
  const vcpu = vcpus[index];
  if (vcpu === undefined) throw new RangeError(`vCPU ${index}: expected 0 to ${vcpus.length - 1}`);
  if (machine.state === 'running') machine.parts.loop.safepoint();
  return {
    ...readRegisters(vcpu, groups),
    ...(groups.includes('lapic') && { lapic: lapicRows(vcpu.getLapic()) }),
    ...(groups.includes('msrs') && { msrs: msrValues(vcpu.getMsrs()) }),
    ...(groups.includes('xsave') && { xsave: { area: vcpu.getXsave() } }),
  };
}

export function machineStats(machine: Machine): MachineStats {
  const { parts, time, instructions } = machine;
  const vcpus = parts.engine.vcpus.map((vcpu) => ({
    instructions: vcpu.instructions(),
    exits: parts.loop.exitsOf(vcpu.index),
    engine: vcpu.counters(),
  }));
  return {
    time,
    instructions,
    vcpus,
    memory: parts.config.memory,
    balloon: balloonStats(machine),
  };
}

function readRegisters(vcpu: Vcpu, groups: readonly StateGroup[]): ProcessorState {
  const wanted = REGISTER_GROUP_NAMES.filter((name) => groups.includes(name));
  if (wanted.length === 0) return {};
  const bits = wanted.reduce((set, name) => set | REGISTER_GROUPS[name], 0);
  const values = new BigUint64Array(REGISTER_COUNT);
  vcpu.getRegisters(bits, values);
  return Object.fromEntries(
    wanted.map((name) => {
      const rows = REGISTER_ROWS.flatMap((row, index) =>
        row.group === REGISTER_GROUPS[name] ? [[row.name, values[index] ?? 0n] as const] : [],
      );
      return [name, Object.fromEntries(rows)];
    }),
  );
}

function lapicRows(words: BigUint64Array): Record<string, bigint | readonly bigint[]> {
  let at = 0;
  const rows = LAPIC_ROWS.map(([name, count]) => {
    const row = Array.from(words.subarray(at, at + count));
    at += count;
    return [name, count === 1 ? (row[0] ?? 0n) : row] as const;
  });
  return Object.fromEntries(rows);
}

function msrValues(pairs: BigUint64Array): Record<string, bigint> {
  const values: Record<string, bigint> = {};
  for (let at = 0; at < pairs.length; at += 2) values[`0x${(pairs[at] ?? 0n).toString(16)}`] = pairs[at + 1] ?? 0n;
  return values;
}
