// SPDX-License-Identifier: BSD-2-Clause
/**
 * The boot processor's registers at a kernel's entry point.
 * Segment attributes use the VMX access-rights layout (Intel SDM vol. 3, "Guest Register State"):
 * bits 0-3 type, 4 S, 5-6 DPL, 7 P, 12 AVL, 13 L, 14 D/B, 15 G, 16 unusable.
 */
import { Struct } from './struct.js';

export interface Segment {
  readonly selector: number;
  readonly base: bigint;
  readonly limit: number;
  readonly attributes: number;
}

export interface DescriptorTable {
  readonly base: bigint;
  readonly limit: number;
}

export const GENERAL_REGISTERS = [
  ...(['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const),
] as const;
export type GeneralRegister = (typeof GENERAL_REGISTERS)[number];

export const SEGMENTS = ['cs', 'ds', 'es', 'fs', 'gs', 'ss', 'tr', 'ldtr'] as const;
export type SegmentName = (typeof SEGMENTS)[number];

export interface EntryState extends Readonly<Record<GeneralRegister, bigint>> {
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
  readonly segments: Readonly<Record<SegmentName, Segment>>;
  readonly gdtr: DescriptorTable;
  readonly idtr: DescriptorTable;
}

const CODE_SELECTOR = 0x10; // __BOOT_CS and __BOOT_DS of the Linux boot protocol; PVH and Multiboot leave the choice open
const DATA_SELECTOR = 0x18;

const CR0_PE = 0x1n;
const CR0_ET = 0x10n;
const CR0_NE = 0x20n;
const CR0_PG = 0x80000000n;
const CR4_PAE = 0x20n;
const EFER_LME = 0x100n;
const EFER_LMA = 0x400n;
const RFLAGS_RESERVED_1 = 0x2n;

const CODE64_ATTRIBUTES = 0xa09b; // G, L, P, S, execute/read, accessed
const CODE32_ATTRIBUTES = 0xc09b; // G, D, P, S, execute/read, accessed
const DATA_ATTRIBUTES = 0xc093; // G, B, P, S, read/write, accessed
const BUSY_TSS_ATTRIBUTES = 0x8b;
const UNUSABLE = 0x10000;

type Overrides = Partial<Record<GeneralRegister, bigint>>;

/** 64-bit mode on identity page tables, interrupts off. */
export function longModeEntry(rip: number, cr3: number, gdt: number, registers: Overrides): EntryState {
  return {
    ...common(rip, gdt, CODE64_ATTRIBUTES, registers),
    cr0: CR0_PG | CR0_NE | CR0_ET | CR0_PE,
    cr3: BigInt(cr3),
    cr4: CR4_PAE,
    efer: EFER_LMA | EFER_LME,
  };
}

/** 32-bit protected mode without paging, flat segments, interrupts off. */
export function protectedModeEntry(rip: number, gdt: number, registers: Overrides): EntryState {
  return {
    ...common(rip, gdt, CODE32_ATTRIBUTES, registers),
    cr0: CR0_NE | CR0_ET | CR0_PE,
    cr3: 0n,
    cr4: 0n,
    efer: 0n,
  };
}

function common(rip: number, gdt: number, codeAttributes: number, registers: Overrides) {
  const cs: Segment = { selector: CODE_SELECTOR, base: 0n, limit: 0xffffffff, attributes: codeAttributes };
  const data: Segment = { selector: DATA_SELECTOR, base: 0n, limit: 0xffffffff, attributes: DATA_ATTRIBUTES };
  const tr: Segment = { selector: 0, base: 0n, limit: 0x67, attributes: BUSY_TSS_ATTRIBUTES };
  const ldtr: Segment = { selector: 0, base: 0n, limit: 0, attributes: UNUSABLE };
  const zeroed = Object.fromEntries(GENERAL_REGISTERS.map((name) => [name, 0n])) as Record<GeneralRegister, bigint>;
  return {
    ...zeroed,
    ...registers,
    rip: BigInt(rip),
    rflags: RFLAGS_RESERVED_1,
    segments: { cs, ds: data, es: data, fs: data, gs: data, ss: data, tr, ldtr },
    gdtr: { base: BigInt(gdt), limit: DATA_SELECTOR + 7 },
    idtr: { base: 0n, limit: 0 },
  };
}

/** The descriptor table that reloading CS or DS with the entry selectors finds. */
export function globalDescriptorTable(state: EntryState): Uint8Array {
  const gdt = new Struct(state.gdtr.limit + 1);
  for (const segment of [state.segments.cs, state.segments.ds]) {
    gdt.u64(segment.selector, descriptor(segment));
  }
  return gdt.bytes;
}

/** Intel SDM vol. 3, 3.4.5: segment descriptor. A page-granular limit drops its low 12 bits. */
function descriptor({ base, limit, attributes }: Segment): bigint {
  const field = BigInt(attributes & 0x8000 ? limit >>> 12 : limit);
  return (
    (field & 0xffffn) |
    ((base & 0xffffffn) << 16n) |
    (BigInt(attributes & 0xf0ff) << 40n) |
    ((field & 0xf0000n) << 32n) |
    ((base & 0xff000000n) << 32n)
  );
}
