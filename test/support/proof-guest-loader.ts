// SPDX-License-Identifier: BSD-2-Clause
/**
 * Puts a guest of `GuestCode` into a machine, as a 64-bit kernel finds itself: paging, descriptors and vectors stand. In
 * protected mode the same lies in memory, but the guest turns paging on itself.
 */
import { longModeEntry, protectedModeEntry } from '../../src/boot/entry-state.js';
import { enterKernel } from '../../src/machine/entry.js';
import type { Machine } from '../../src/machine/machine.js';
import { type GuestCode, word32, word64 } from './guest-code.js';

/** Where things lie. Addresses up to 2 MiB have 4 KiB pages, the rest to 4 GiB large ones; all are linear = physical. */
export const PLACES = {
  gdt: 0x1000,
  tss: 0x1800,
  ldt: 0x1c00,
  idt: 0x2000,
  pml4: 0x3000,
  pdpt: 0x4000,
  directories: 0x5000,
  firstTable: 0x9000,
  code: 0x10000,
  data: 0x18000,
  results: 0x20000,
  stack: 0x38000,
  userStack: 0x3c000,
  faultStack: 0x40000,
} as const;

export const SELECTORS = {
  code: 0x10,
  data: 0x18,
  userData: 0x2b,
  userCode: 0x33,
  tss: 0x38,
  ldt: 0x48,
  tss16: 0x60,
} as const;

/** SDM vol. 3, 3.4.5: flat segments; the user's in the order of SYSRET. */
const DESCRIPTORS: readonly bigint[] = [
  0n,
  0n,
  0x00af9b000000ffffn,
  0x00cf93000000ffffn,
  0n,
  0x00cff3000000ffffn,
  0x00affb000000ffffn,
  systemDescriptor(PLACES.tss, 0x67, 0x89),
  0n,
  systemDescriptor(PLACES.ldt, 0x0f, 0x82),
  0n,
  0x00cf9b000000ffffn,
  systemDescriptor(PLACES.tss, 0x2b, 0x81),
];

const PAGE = 0x1000;
const LARGE_PAGE = 0x200000;
const USER_WRITABLE = 7n; // with P
const LARGE = 0x80n;
const TABLE_LENGTH = 512;
const INTERRUPT_GATE = 0x8e00;
const USER_INTERRUPT_GATE = 0xee00;
const BREAKPOINT = 3;
const DOUBLE_FAULT = 8;

/** What the guest starts with beyond the entry state of the Linux boot protocol. */
const CR4 = 0x6b0n; // PSE, PAE, PGE, OSFXSR, OSXMMEXCPT
const CR0_WRITE_PROTECT = 0x10000n;
const EFER_SYSCALL_NX = 0x801n;

export function loadProofGuest(machine: Machine, code: GuestCode, mode: 'long' | 'protected' = 'long'): void {
  const { memory, vcpu } = machine.parts.engine;
  memory.write(PLACES.code, code.assemble());
  memory.write(PLACES.gdt, quads(DESCRIPTORS));
  memory.write(PLACES.ldt, quads([0n, 0x00cf93001000ffffn]));
  memory.write(PLACES.tss, taskState());
  memory.write(PLACES.idt, vectors(code));
  writePageTables((address, bytes) => memory.write(address, bytes));
  const registers = { rdi: BigInt(PLACES.results), rsi: BigInt(PLACES.data), rsp: BigInt(PLACES.stack) };
  const gdtr = { base: BigInt(PLACES.gdt), limit: 8 * DESCRIPTORS.length - 1 };
  if (mode === 'protected') {
    enterKernel(vcpu, { ...protectedModeEntry(PLACES.code, PLACES.gdt, registers), gdtr });
    return;
  }
  const entry = longModeEntry(PLACES.code, PLACES.pml4, PLACES.gdt, registers);
  enterKernel(vcpu, {
    ...entry,
    cr0: entry.cr0 | CR0_WRITE_PROTECT,
    cr4: CR4,
    efer: entry.efer | EFER_SYSCALL_NX,
    gdtr,
    idtr: { base: BigInt(PLACES.idt), limit: 0xfff },
  });
}

/** RSP0, and a stack of its own for double faults. */
function taskState(): Uint8Array {
  const bytes = new Uint8Array(0x68);
  bytes.set(word64(BigInt(PLACES.stack)), 4);
  bytes.set(word64(BigInt(PLACES.faultStack)), 0x24);
  bytes.set(word32(0x680000), 0x64); // no I/O permission map
  return bytes;
}

function vectors(code: GuestCode): Uint8Array {
  const bytes = new Uint8Array(PAGE);
  for (const [vector, label] of code.handlers) {
    const target = PLACES.code + code.offsetOf(label);
    const type = vector === BREAKPOINT ? USER_INTERRUPT_GATE : INTERRUPT_GATE;
    const stack = vector === DOUBLE_FAULT ? 1 : 0;
    const low = BigInt(target & 0xffff) | (BigInt(SELECTORS.code) << 16n) | (BigInt(type | stack) << 32n);
    bytes.set(word64(low | (BigInt(target >>> 16) << 48n)), 16 * vector);
  }
  return bytes;
}

function writePageTables(write: (address: number, bytes: Uint8Array) => void): void {
  const entries = (count: number, at: (index: number) => bigint) =>
    quads(Array.from({ length: count }, (_, i) => at(i)));
  write(
    PLACES.pml4,
    entries(1, () => BigInt(PLACES.pdpt) | USER_WRITABLE),
  );
  write(
    PLACES.pdpt,
    entries(4, (index) => BigInt(PLACES.directories + index * PAGE) | USER_WRITABLE),
  );
  write(
    PLACES.directories,
    entries(4 * TABLE_LENGTH, (index) => BigInt(index * LARGE_PAGE) | LARGE | USER_WRITABLE),
  );
  write(PLACES.directories, quads([BigInt(PLACES.firstTable) | USER_WRITABLE]));
  write(
    PLACES.firstTable,
    entries(TABLE_LENGTH, (index) => BigInt(index * PAGE) | USER_WRITABLE),
  );
}

function quads(values: readonly bigint[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => word64(value)));
}

function systemDescriptor(base: number, limit: number, attributes: number): bigint {
  return BigInt(limit) | (BigInt(base) << 16n) | (BigInt(attributes) << 40n);
}
