// SPDX-License-Identifier: BSD-2-Clause
/** The whole state of a vCPU in the engine contract's terms, so that another engine can take it over. */
import { StateError } from '../core/state-error.js';
import { blob, list, oneOf, record, u32, u64 } from '../core/state-fields.js';
import { type Fields, type StateOf, StateShape } from '../core/state-shape.js';
import type { Engine, Vcpu } from './hypervisor.js';
import { LAPIC_ROWS, REGISTER_COUNT, REGISTER_ROWS, RegisterGroup } from './registers.js';

const ENGINES = ['soft', 'kvm', 'vmm', 'fake'] as const;
const MSRS_MAX = 1024;
const XSAVE_MAX = 64 * 1024;
const PRIVATE_MAX = 16 * 1024 * 1024;

/** Engines whose private section holds what a guest would miss, unless it is empty. */
const INDISPENSABLE: Partial<Record<VcpuState['engine'], string>> = {
  kvm: 'an interrupt on its way to its handler, which only engine kvm can deliver: restore there, or save again',
  vmm: 'a processor in the form that a FreeBSD kernel gives it, which only engine vmm takes',
};

const IA32_TSC = 0x10n;

const registers: Fields = Object.fromEntries(REGISTER_ROWS.map(({ name }) => [name, u64()]));
const lapic: Fields = Object.fromEntries(LAPIC_ROWS.map(([name, length]) => [name, list(u64(), { length })]));

const fields = {
  time: u64({ unit: 'ns', doc: 'VM time' }),
  registers: record(registers, { doc: 'by name, as in src/hypervisor/registers.ts' }),
  msrs: list(record({ number: u32(), value: u64() }), { max: MSRS_MAX }),
  xsave: blob({ max: XSAVE_MAX, doc: 'XSAVE area in standard format' }),
  lapic: record(lapic, { doc: 'local APIC by row' }),
  engine: oneOf(ENGINES, { doc: 'which engine wrote the private section' }),
  private: blob({ max: PRIVATE_MAX, doc: 'what only that engine understands; others drop it' }),
};

export const vcpuShape = new StateShape('vcpu', 1, fields);
export type VcpuState = StateOf<typeof fields>;

/** The vCPU must be at a safepoint. */
export function captureVcpu(engine: Engine, vcpu: Vcpu = engine.vcpu): VcpuState {
  const values = new BigUint64Array(REGISTER_COUNT);
  vcpu.getRegisters(RegisterGroup.All, values);
  return {
    time: engine.getTime(),
    registers: Object.fromEntries(REGISTER_ROWS.map(({ name }, index) => [name, values[index] ?? 0n])),
    msrs: msrPairs(vcpu.getMsrs()),
    xsave: vcpu.getXsave(),
    lapic: lapicRows(vcpu.getLapic()),
    engine: engineName(engine),
    private: vcpu.getPrivate(),
  };
}

/** Of a machine that has no other. */
export function applyVcpu(engine: Engine, state: VcpuState): void {
  applyVcpus(engine, [state]);
}

/**
 * Time first, because the TSC is relative to it, and the TSC last of the MSRs; the private sections refine everything, and
 * none before the last vCPU has the rest, because they move time.
 */
export function applyVcpus(engine: Engine, states: readonly VcpuState[]): void {
  const pairs = engine.vcpus.map((vcpu, index) => [vcpu, stateOf(states, index, engine)] as const);
  engine.setTime(stateOf(states, 0, engine).time);
  for (const [vcpu, state] of pairs) {
    vcpu.setRegisters(RegisterGroup.All, words(Object.values(state.registers)));
    vcpu.setMsrs(words(orderedMsrs(state).flatMap(({ number, value }) => [BigInt(number), value])));
    vcpu.setXsave(state.xsave);
    vcpu.setLapic(words(Object.values(state.lapic).flat()));
  }
  for (const [vcpu, state] of pairs) applyPrivate(engine, vcpu, state);
}

function applyPrivate(engine: Engine, vcpu: Vcpu, state: VcpuState): void {
  if (state.engine === engineName(engine)) {
    vcpu.setPrivate(state.private);
    return;
  }
  refuseLoss(state, engineName(engine));
}

/** Where another engine takes over and a guest would miss what it cannot take. */
export function refuseLoss(state: VcpuState, engine: string): void {
  const loss = INDISPENSABLE[state.engine];
  if (state.engine === engine || loss === undefined || state.private.length === 0) return;
  throw new StateError('vcpu.private', loss);
}

function stateOf(states: readonly VcpuState[], index: number, { vcpus }: Engine): VcpuState {
  const state = states[index];
  if (state === undefined || states.length !== vcpus.length) {
    throw new StateError('vcpus', `expected ${vcpus.length}, as this machine has them, got ${states.length}`);
  }
  return state;
}

function orderedMsrs({ msrs }: VcpuState): VcpuState['msrs'] {
  const isTsc = ({ number }: { number: number }): boolean => BigInt(number) === IA32_TSC;
  return [...msrs.filter((msr) => !isTsc(msr)), ...msrs.filter(isTsc)];
}

function msrPairs(pairs: BigUint64Array): VcpuState['msrs'] {
  return Array.from({ length: pairs.length / 2 }, (_, index) => ({
    number: Number(pairs[2 * index] ?? 0n),
    value: pairs[2 * index + 1] ?? 0n,
  }));
}

function lapicRows(rows: BigUint64Array): Record<string, bigint[]> {
  let at = 0;
  return Object.fromEntries(
    LAPIC_ROWS.map(([name, count]) => {
      const row = Array.from(rows.subarray(at, at + count));
      at += count;
      return [name, row];
    }),
  );
}

/** Records keep the order of their declaration, which is the order of the engine's arrays. */
function words(values: readonly unknown[]): BigUint64Array {
  return BigUint64Array.from(values as readonly bigint[]); // every field of these records is a u64
}

export function engineName({ capabilities }: Engine): VcpuState['engine'] {
  const name = ENGINES.find((engine) => engine === capabilities.engine);
  if (name === undefined) throw new RangeError(`engine ${capabilities.engine}: expected ${ENGINES.join(', ')}`);
  return name;
}
