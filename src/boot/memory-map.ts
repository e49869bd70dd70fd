// SPDX-License-Identifier: BSD-2-Clause
/**
 * Guest-physical address map: bhyve's, so that its firmware and its guests find what they expect.
 * RAM fills 0..3 GiB and goes on at 4 GiB; the gap holds 32-bit BARs, ECAM and the fixed chipset windows.
 */
import { alignUp, hex } from '../core/bits.js';
import { BootError } from './boot-error.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export const LOWMEM_LIMIT = 3 * GIB;
export const HIGHMEM_BASE = 4 * GIB;

export const MPTABLE_BASE = 0xf0000;
export const SMBIOS_BASE = 0xf1000;
export const ACPI_BASE = 0xf2400;
export const FIRMWARE_TABLES_END = 0x100000;

/** A page of its own in the part that the map below reserves. */
export const VM_GENERATION_PAGE = 0xe0000;
/** Not at the start of a page, where somebody who looks for option ROMs might take it for one. */
export const VM_GENERATION_ID = VM_GENERATION_PAGE + 0x28;

export interface AddressRange {
  readonly base: number;
  readonly size: number;
}

export const VGA_WINDOW = { base: 0xa0000, size: 0x20000 };
export const PCI_MEM32 = { base: 0xc0000000, size: 0x20000000 };
export const PCI_ECAM = { base: 0xe0000000, size: 0x10000000 };
export const PCI_IO = { base: 0x2000, size: 0xe000 };
export const IOAPIC_BASE = 0xfec00000;
export const HPET_BASE = 0xfed00000;
export const LAPIC_BASE = 0xfee00000;

const PCI_MEM64_SIZE = 32 * GIB;
const SMALLEST_RAM = 2 * MIB;
const LARGEST_RAM = 64 * 1024 * GIB; // leaves the 64-bit window below the 52-bit physical limit

/** Where a direct boot puts its own structures, all below the 640 KiB line and clear of the BIOS data area. */
export const BOOT_AREA = {
  gdt: 0x1000,
  params: 0x2000, // boot_params, hvm_start_info or Multiboot information
  paramsSize: 0x6000,
  pageTables: 0x8000,
  commandLine: 0x10000,
  commandLineSize: 0x10000,
  end: 0xa0000,
} as const;

export interface RamLayout {
  /** Bytes of RAM from address 0. */
  readonly low: number;
  /** Bytes of RAM from 4 GiB. */
  readonly high: number;
}

export type MemoryKind = 'ram' | 'reserved';

export interface MemoryRange {
  readonly base: number;
  readonly size: number;
  readonly kind: MemoryKind;
}

export function ramLayout(size: number): RamLayout {
  if (!Number.isSafeInteger(size) || size % 4096 !== 0 || size < SMALLEST_RAM || size > LARGEST_RAM) {
    throw new BootError(
      'memory size',
      `${size} bytes; accepted are multiples of 4096 from ${SMALLEST_RAM} to ${LARGEST_RAM}`,
    );
  }
  const low = Math.min(size, LOWMEM_LIMIT);
  return { low, high: size - low };
}

/** What firmware would report through INT 15h E820: RAM, and reserved ranges the guest must not hand out. */
export function memoryMap(ram: RamLayout): MemoryRange[] {
  const map: MemoryRange[] = [
    { base: 0, size: VGA_WINDOW.base, kind: 'ram' },
    { base: VGA_WINDOW.base, size: MIB - VGA_WINDOW.base, kind: 'reserved' },
    { base: MIB, size: ram.low - MIB, kind: 'ram' },
    // Linux uses ECAM only when the firmware map reserves it.
    { ...PCI_ECAM, kind: 'reserved' },
  ];
  if (ram.high > 0) {
    map.push({ base: HIGHMEM_BASE, size: ram.high, kind: 'ram' });
  }
  return map;
}

/** 64-bit BARs follow high RAM at the next multiple of 32 GiB. */
export function pciMem64(ram: RamLayout): { base: number; size: number } {
  return { base: alignUp(HIGHMEM_BASE + ram.high, PCI_MEM64_SIZE), size: PCI_MEM64_SIZE };
}

/** True if the range lies in RAM, without touching the hole between low and high memory. */
export function isRam(ram: RamLayout, address: number, size: number): boolean {
  const end = address + size;
  return end <= ram.low || (address >= HIGHMEM_BASE && end <= HIGHMEM_BASE + ram.high);
}

export function describeRam(ram: RamLayout): string {
  const low = `0..${hex(ram.low)}`;
  return ram.high > 0 ? `${low} and ${hex(HIGHMEM_BASE)}..${hex(HIGHMEM_BASE + ram.high)}` : low;
}
