// SPDX-License-Identifier: BSD-2-Clause
/** Restores that are wrong on purpose, made of the same calls as the right one. */
import { type CborMap, type CborValue, decode, encode, isMap } from '../../src/core/cbor.js';
import { type Alarm, AlarmQueue } from '../../src/core/clock.js';
import { type IrqLine, SharedLine } from '../../src/core/irq-line.js';
import type { Engine, Vcpu } from '../../src/hypervisor/hypervisor.js';
import { processorsShape } from '../../src/hypervisor/processors-state.js';
import { RegisterGroup } from '../../src/hypervisor/registers.js';
import { type VcpuState, vcpuShape } from '../../src/hypervisor/vcpu-state.js';
import { treeOf } from './mutant-trials.js';
import {
  type Evidence,
  type ProofSubject,
  type Restoring,
  restore,
  restoreContents,
  runFrom,
  type SavedMachine,
} from './proof.js';

function words(values: readonly unknown[]): BigUint64Array {
  return BigUint64Array.from(values as readonly bigint[]); // all fields of these records are u64
}

/** What is saved of the processors, the first vCPU's state before those of the others. */
interface SavedVcpus {
  readonly states: readonly VcpuState[];
  /** A single one has none. */
  readonly shared: Uint8Array | null;
}

type Step = (engine: Engine, saved: SavedVcpus) => void;

function toEach(apply: (vcpu: Vcpu, state: VcpuState) => void): Step {
  return ({ vcpus }, { states }) => {
    for (const [index, state] of states.entries()) apply(vcpus[index] as Vcpu, state); // as many as were saved
  };
}

/** The calls of `applyProcessors`, in its order. */
const STEPS = {
  time: (engine, { states: [first] }) => engine.setTime(first?.time ?? 0n),
  registers: toEach((vcpu, { registers }) => vcpu.setRegisters(RegisterGroup.All, words(Object.values(registers)))),
  msrs: toEach((vcpu, { msrs }) => vcpu.setMsrs(words(msrs.flatMap(({ number, value }) => [BigInt(number), value])))),
  xsave: toEach((vcpu, { xsave }) => vcpu.setXsave(xsave)),
  lapic: toEach((vcpu, { lapic }) => vcpu.setLapic(words(Object.values(lapic).flat()))),
  private: toEach((vcpu, state) => vcpu.setPrivate(state.private)),
  shared: (engine, { shared }) => {
    if (shared !== null) engine.setShared(shared);
  },
} satisfies Record<string, Step>;

export type VcpuStep = keyof typeof STEPS;
export const VCPU_STEPS = Object.keys(STEPS) as readonly VcpuStep[]; // the keys of this very object

/** A restore that makes these calls for the vCPUs, and puts back these devices, in this order. */
export function restoringWith(
  steps: readonly VcpuStep[],
  devicesOf: (ids: readonly string[]) => readonly string[] = (ids) => ids,
): Restoring {
  return (machine, saved) => {
    restoreContents(machine, saved);
    const { vcpu, processors, devices } = treeOf(saved);
    const first = vcpuShape.load(vcpu ?? null, 'vcpu');
    const all = processors === undefined ? null : processorsShape.load(processors, 'processors');
    const vcpus = { states: [first, ...(all?.others ?? [])], shared: all?.shared ?? null };
    for (const step of steps) STEPS[step](machine.parts.engine, vcpus);
    const byId = new Map(machine.parts.board.devices.map((device) => [device.id, device]));
    for (const id of devicesOf([...byId.keys()])) byId.get(id)?.deserialize(mapOf(devices)[id] ?? null);
  };
}

/** How a restore goes wrong; what is left out is done right. */
export interface Wrong {
  readonly spoil?: (saved: SavedMachine) => SavedMachine;
  readonly restoring?: Restoring;
  /** Changes what machines are built of, and gives back what undoes it. */
  readonly tamper?: () => () => void;
}

/** The alarms that a restored device armed are taken away again: those of one device, or all. */
export function withoutAlarms(device?: string): Wrong {
  const armed: Alarm[] = [];
  return {
    tamper: () => {
      const alarm: typeof AlarmQueue.prototype.alarm = Reflect.get(AlarmQueue.prototype, 'alarm');
      AlarmQueue.prototype.alarm = function (id, ...rest) {
        const made = alarm.call(this, id, ...rest);
        if (device === undefined || device === id) armed.push(made);
        return made;
      };
      return () => {
        AlarmQueue.prototype.alarm = alarm;
      };
    },
    restoring: (machine, saved) => {
      restore(machine, saved);
      for (const alarm of armed.splice(0)) alarm.disarm();
    },
  };
}

/** What becomes of the levels that devices adopt. */
function adopting(adopt: (line: IrqLine) => IrqLine['adopt']): Wrong {
  return {
    tamper: () => {
      const input: (this: SharedLine) => IrqLine = Reflect.get(SharedLine.prototype, 'input');
      SharedLine.prototype.input = function () {
        const line = input.call(this);
        return { set: (level) => line.set(level), adopt: adopt(line) };
      };
      return () => {
        SharedLine.prototype.input = input;
      };
    },
  };
}

/** They arrive as if the devices had just driven them. */
export const setInsteadOfAdopt: Wrong = adopting((line) => (level) => line.set(level));
/** They are lost. */
export const nothingAdopted: Wrong = adopting(() => () => {});

/** What comes of a save that is restored so. A refusal is an answer, too: null. */
export function runFromWrongly(
  subject: ProofSubject,
  saved: SavedMachine,
  end: bigint,
  { spoil = (same) => same, restoring = restore, tamper = () => () => {} }: Wrong,
  most?: bigint,
): Evidence | null {
  const undo = tamper();
  try {
    return runFrom(subject, spoil(saved), end, most, restoring);
  } catch {
    return null;
  } finally {
    undo();
  }
}

/** A save with one value replaced. */
export function withValue(saved: SavedMachine, path: readonly string[], value: CborValue): SavedMachine {
  const tree = treeOf(saved);
  const last = path.at(-1) ?? '';
  const owner = path.slice(0, -1).reduce<CborValue | undefined>(below, tree);
  if (!Object.hasOwn(mapOf(owner), last)) throw new Error(`nothing at ${path.join('.')}`);
  mapOf(owner)[last] = value;
  return { ...saved, tree: encode(tree) };
}

/** Lists have numbers as keys. */
export function valueIn(saved: SavedMachine, path: readonly string[]): CborValue {
  const found = path.reduce<CborValue | undefined>(below, decode(saved.tree));
  if (found === undefined) throw new Error(`nothing at ${path.join('.')}`);
  return found;
}

function below(at: CborValue | undefined, key: string): CborValue | undefined {
  return Array.isArray(at) ? at[Number(key)] : mapOf(at)[key];
}

function mapOf(value: CborValue | undefined): CborMap {
  if (value === undefined || !isMap(value)) throw new Error('expected a map');
  return value;
}
