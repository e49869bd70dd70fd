// SPDX-License-Identifier: BSD-2-Clause
/** What must be the same however a guest came to its end: everything that is saved, but what is left out here by name. */
import { captureVcpu, type VcpuState } from '../../src/hypervisor/vcpu-state.js';
import type { Machine } from '../../src/machine/machine.js';
import { copyMemory } from '../../src/machine/machine-state.js';

export interface EndState {
  readonly text: string;
  /** Of all vCPUs and devices, by path. */
  readonly fields: Readonly<Record<string, string>>;
  readonly memory: readonly Uint8Array[];
}

interface LeftOut {
  readonly paths: RegExp;
  readonly why: string;
}

/** These no two runs share, on whichever engine. */
export const OF_THE_MOMENT: readonly LeftOut[] = [
  { paths: /^vcpus\.\d+\.(engine|private)$/, why: 'an engine has them for itself' },
  { paths: /^vcpus\.\d+\.time$/, why: 'when the guest ended' },
  { paths: /^vcpus\.\d+\.lapic\.timer_start\.0$/, why: 'when the guest set the timer going' },
  { paths: /^devices\.hpet\.fields\.since$/, why: 'when the guest set the counter going' },
  { paths: /^devices\.hpet\.fields\.counter$/, why: 'where it stood when the guest stopped it' },
  { paths: /^devices\.hpet\.fields\.timers\.0\.comparator$/, why: 'so far ahead of the counter as the guest wanted' },
  { paths: /^devices\.pit\.fields\.counter0\.start$/, why: 'when the guest set the counter going' },
  { paths: /^devices\.rtc\.fields\.flagsUntil$/, why: 'when the guest read them last' },
];

/** These vmm does not tell, or has in a form of its kernel's. */
export const NOT_OF_VMM: readonly LeftOut[] = [
  { paths: /^vcpus\.\d+\.msrs\./, why: "in the kernel's form only" },
  {
    paths: /^vcpus\.\d+\.registers\.xcr0$/,
    why: "the processor is the host's, and the guest has not switched XSAVE on",
  },
  { paths: /^devices\.(hpet|ioapic|kernel-chipset|nmisc|pic|pit|pm-timer|rtc)\./, why: "the chipset is the kernel's" },
];

/** The machine has switched itself off. */
export function endState(machine: Machine, text: string): EndState {
  const { engine, board } = machine.parts;
  engine.safepoint(); // past the access that switched off
  const fields: Record<string, string> = {};
  for (const [index, vcpu] of engine.vcpus.entries()) addVcpu(captureVcpu(engine, vcpu), `vcpus.${index}`, fields);
  for (const device of board.devices) addFields(device.serialize(), `devices.${device.id}`, fields);
  return { text, fields, memory: copyMemory(engine.memory) };
}

/** What is left to compare when one of them ran. */
export function comparable({ fields }: EndState, engines: readonly string[]): Readonly<Record<string, string>> {
  const leftOut = engines.includes('vmm') ? [...OF_THE_MOMENT, ...NOT_OF_VMM] : OF_THE_MOMENT;
  const isCompared = (path: string): boolean => !leftOut.some(({ paths }) => paths.test(path));
  return Object.fromEntries(Object.entries(fields).filter(([path]) => isCompared(path)));
}

function addVcpu({ msrs, xsave, ...others }: VcpuState, path: string, fields: Record<string, string>): void {
  addFields(others, path, fields);
  for (const { number, value } of msrs) fields[`${path}.msrs.${number.toString(16)}`] = value.toString(16);
  const fpu = fpuOf(xsave);
  for (let at = 0; at < fpu.length; at += 32) fields[`${path}.fpu.${at / 2}`] = fpu.slice(at, at + 32);
}

function addFields(value: unknown, path: string, fields: Record<string, string>): void {
  if (value instanceof Uint8Array) {
    fields[path] = Buffer.from(value).toString('hex');
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0) fields[path] = 'empty';
    for (const [name, part] of entries) addFields(part, `${path}.${name}`, fields);
  } else {
    fields[path] = typeof value === 'bigint' ? value.toString(16) : String(value);
  }
}

/**
 * Of the FXSAVE format (SDM vol. 1, table 10-2) all but the last instruction (FOP, FIP, FDP: AMD's keep it after exceptions
 * only), the mask of MXCSR bits, and what is left to software.
 */
function fpuOf(image: Uint8Array): string {
  return Buffer.concat([image.subarray(0, 6), image.subarray(24, 28), image.subarray(32, 416)]).toString('hex');
}

const PAGE = 4096;

/** Addresses within the segments of the pages that differ. */
export function differentPages(one: EndState, other: EndState): string[] {
  return one.memory.flatMap((bytes, segment) => {
    const others = other.memory[segment] ?? new Uint8Array();
    return Array.from({ length: Math.ceil(bytes.length / PAGE) }, (_, page) => page * PAGE)
      .filter((at) => Buffer.compare(bytes.subarray(at, at + PAGE), others.subarray(at, at + PAGE)) !== 0)
      .map((at) => `${segment}:${at.toString(16)}`);
  });
}
