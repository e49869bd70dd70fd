// SPDX-License-Identifier: BSD-2-Clause
/** What must be equal for a saved machine to go on somewhere else. */
import { cpus } from 'node:os';
import { count, decimal, text } from '../core/json-fields.js';
import { list, oneOf, record } from '../core/state-fields.js';
import type { StateOf } from '../core/state-shape.js';
import type { CpuidRow, CpuModel } from '../hypervisor/cpu-models/cpu-model.js';
import { maskedText } from '../hypervisor/cpu-models/masked.js';
import type { Capabilities } from '../hypervisor/hypervisor.js';

/** The board of src/machine/pc-board.ts: which chips there are, at which addresses, on which pins. */
export const CHIPSET = 'tsb-pc-0';
/** The same with interrupt controllers and timers of FreeBSD's vmm.ko. */
const VMM_CHIPSET = 'vmm-pc-0';

const TIMER_MODES = ['one-shot', 'periodic', 'tsc-deadline'] as const;
const CPU_NAME_MAX = 1024;
/** What the host calls its processor. */
const HOST_NAME_MAX = 64;
const CPUID_1_ECX_TSC_DEADLINE = 1 << 24;

const fields = {
  cpuModel: text({
    max: CPU_NAME_MAX,
    doc: 'CPUID, by the name of an immutable table, and what the host had to leave out of it',
  }),
  tscHz: decimal({ unit: 'Hz' }),
  lapicHz: count({ unit: 'Hz', doc: 'bus clock of the local APIC' }),
  timerModes: list(oneOf(TIMER_MODES), { max: TIMER_MODES.length, doc: 'of the local APIC' }),
  xcr0: decimal({ doc: 'bits that a guest may set' }),
  chipset: text({ max: 64 }),
};

export const compatibilityRecord = record(fields);
export type Compatibility = StateOf<typeof fields>;

/** What of an engine decides. */
export type Deciding = Pick<Capabilities, 'engine' | 'lapicHz' | 'maskedCpuid'>;

/** vmm shows its guests the host's processor, as its kernel cuts it. */
export function compatibilityOf(model: CpuModel, { engine, lapicHz, maskedCpuid }: Deciding): Compatibility {
  if (engine === 'vmm') {
    const cpuModel = `host: ${cpus()[0]?.model ?? 'unknown'}`.slice(0, HOST_NAME_MAX);
    const timerModes = TIMER_MODES.filter((mode) => mode !== 'tsc-deadline');
    return { cpuModel, tscHz: model.tscHz, lapicHz, timerModes, xcr0: 0n, chipset: VMM_CHIPSET };
  }
  const leaf1 = row(model, 1);
  const leafD = row(model, 0xd);
  const deadline = leaf1 !== undefined && (leaf1.ecx & CPUID_1_ECX_TSC_DEADLINE) !== 0;
  return {
    cpuModel: shownModel(model.name, maskedText(maskedCpuid)),
    tscHz: model.tscHz,
    lapicHz,
    timerModes: TIMER_MODES.filter((mode) => mode !== 'tsc-deadline' || deadline),
    xcr0: leafD === undefined ? 0n : (BigInt(leafD.edx >>> 0) << 32n) | BigInt(leafD.eax >>> 0),
    chipset: CHIPSET,
  };
}

function shownModel(name: string, masked: string): string {
  return masked === '' ? name : `${name} without CPUID ${masked}`;
}

/** The names of the parts that differ, with both values. */
export function incompatibilities(saved: Compatibility, here: Compatibility): string[] {
  const names = Object.keys(fields) as (keyof Compatibility)[]; // the keys of the very table that declares the type
  return names.flatMap((name) => {
    const [theirs, ours] = [String(saved[name]), String(here[name])];
    return theirs === ours ? [] : [`${name}: saved with ${theirs}, here ${ours}`];
  });
}

function row(model: CpuModel, leaf: number): CpuidRow | undefined {
  return model.cpuid.find((candidate) => candidate.leaf === leaf && candidate.subleaf === 0);
}
