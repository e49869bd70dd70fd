// SPDX-License-Identifier: BSD-2-Clause
/**
 * The register index list of the engine contract, in the order of native/engine/registers.h and lapic_state.h: one u64 a
 * row, read and written in bulk, groups chosen by a bit set. A test compares both lists with the addon's.
 */

export const RegisterGroup = { General: 1, Segments: 2, Control: 4, Debug: 8, Events: 16, All: 31 } as const;

// biome-ignore format: a table
const GENERAL = [
  'rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi',
  'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
  'rip', 'rflags',
] as const;

// biome-ignore format: a table
const SEGMENTS = [
  'es_selector', 'es_base', 'es_limit', 'es_attributes',
  'cs_selector', 'cs_base', 'cs_limit', 'cs_attributes',
  'ss_selector', 'ss_base', 'ss_limit', 'ss_attributes',
  'ds_selector', 'ds_base', 'ds_limit', 'ds_attributes',
  'fs_selector', 'fs_base', 'fs_limit', 'fs_attributes',
  'gs_selector', 'gs_base', 'gs_limit', 'gs_attributes',
  'ldtr_selector', 'ldtr_base', 'ldtr_limit', 'ldtr_attributes',
  'tr_selector', 'tr_base', 'tr_limit', 'tr_attributes',
  'gdtr_base', 'gdtr_limit', 'idtr_base', 'idtr_limit',
] as const;

// biome-ignore format: a table
const CONTROL = [
  'cr0', 'cr2', 'cr3', 'cr4', 'cr8', 'efer', 'xcr0',
  'pdpte0', 'pdpte1', 'pdpte2', 'pdpte3',
] as const;

// biome-ignore format: a table
const DEBUG = [
  'dr0', 'dr1', 'dr2', 'dr3', 'dr6', 'dr7',
] as const;

// biome-ignore format: a table
const EVENTS = [
  'run_state', 'interrupt_shadow', 'debug_shadow', 'nmi_pending', 'nmi_blocked', 'external_interrupt', 'init_pending',
  'sipi_pending', 'sipi_vector', 'pending_debug',
] as const;

const GROUPS = [
  [RegisterGroup.General, GENERAL],
  [RegisterGroup.Segments, SEGMENTS],
  [RegisterGroup.Control, CONTROL],
  [RegisterGroup.Debug, DEBUG],
  [RegisterGroup.Events, EVENTS],
] as const;

export type RegisterName = (typeof GROUPS)[number][1][number];

export interface RegisterRow {
  readonly name: RegisterName;
  readonly group: number;
}

export const REGISTER_ROWS: readonly RegisterRow[] = GROUPS.flatMap(([group, names]) =>
  names.map((name): RegisterRow => ({ name, group })),
);

export const REGISTER_COUNT = REGISTER_ROWS.length;

const indexes = new Map<RegisterName, number>(REGISTER_ROWS.map(({ name }, index) => [name, index]));

/** Index of a register in the arrays of `getRegisters` and `setRegisters`. */
export function registerIndex(name: RegisterName): number {
  const index = indexes.get(name);
  if (index === undefined) throw new RangeError(`no register is called ${name}`);
  return index;
}

/** Rows of a local APIC and how many u64 each has. */
export const LAPIC_ROWS = [
  ['base', 1],
  ['id', 1],
  ['task_priority', 1],
  ['logical_destination', 1],
  ['destination_format', 1],
  ['spurious', 1],
  ['error_status', 1],
  ['error_pending', 1],
  ['interrupt_command', 1],
  ['in_service', 8],
  ['trigger_mode', 8],
  ['request', 8],
  ['lvt', 6],
  ['initial_count', 1],
  ['divide_configuration', 1],
  ['timer_start', 1],
  ['timer_running', 1],
  ['tsc_deadline', 1],
  ['external_request', 1],
  ['ended_levels', 8],
] as const;

export type LapicRowName = (typeof LAPIC_ROWS)[number][0];

export const LAPIC_ROW_COUNT = LAPIC_ROWS.reduce((total, [, count]) => total + count, 0);

/** Index of the first u64 of a row in the arrays of `getLapic` and `setLapic`. */
export function lapicIndex(name: LapicRowName): number {
  let index = 0;
  for (const [row, count] of LAPIC_ROWS) {
    if (row === name) return index;
    index += count;
  }
  throw new RangeError(`no local APIC row is called ${name}`);
}
