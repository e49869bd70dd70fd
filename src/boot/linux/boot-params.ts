// SPDX-License-Identifier: BSD-2-Clause
/**
 * struct boot_params, the "zero page". Reference: Linux Documentation/arch/x86/zero-page.rst and boot.rst.
 * The screen fields stay zero: the guest finds its display, if any, on the PCI bus.
 */
import { BOOT_AREA, type MemoryRange } from '../memory-map.js';
import { Struct } from '../struct.js';

const SETUP_HEADER = 0x1f1;
const TYPE_OF_LOADER_UNDEFINED = 0xff;
const LOADFLAG_LOADED_HIGH = 0x01;
const LOADFLAG_KASLR = 0x02;
const LOADFLAG_CAN_USE_HEAP = 0x80;
const VID_MODE_NORMAL = 0xffff;
const E820_MAX_ENTRIES = 128;
const E820_RAM = 1;
const E820_RESERVED = 2;

export interface BootParams {
  /** The image's own setup header, from offset 0x1f1. */
  readonly setupHeader: Uint8Array;
  /** Where the protected-mode code was loaded; a kernel may find its own address by it. */
  readonly loadAddress: number;
  /** 0 for none. */
  readonly rsdp: number;
  readonly memory: readonly MemoryRange[];
  readonly initrd: { readonly address: number; readonly size: number } | null;
}

export function bootParams({ setupHeader, loadAddress, rsdp, memory, initrd }: BootParams): Uint8Array {
  const page = new Struct(4096)
    .u64(0x070, rsdp) // acpi_rsdp_addr
    .put(SETUP_HEADER, setupHeader)
    .u16(0x1fa, VID_MODE_NORMAL)
    .u8(0x210, TYPE_OF_LOADER_UNDEFINED)
    .u32(0x214, loadAddress) // code32_start
    .u32(0x218, initrd?.address ?? 0)
    .u32(0x21c, initrd?.size ?? 0)
    .u32(0x228, BOOT_AREA.commandLine);
  // KASLR is the decompressor's claim that it moved the kernel; the heap belongs to the 16-bit entry.
  const loadflags = page.bytes[0x211] ?? 0;
  page.u8(0x211, (loadflags | LOADFLAG_LOADED_HIGH) & ~(LOADFLAG_KASLR | LOADFLAG_CAN_USE_HEAP));

  const entries = memory.slice(0, E820_MAX_ENTRIES);
  page.u8(0x1e8, entries.length);
  for (const [index, { base, size, kind }] of entries.entries()) {
    const at = 0x2d0 + index * 20;
    page
      .u64(at, base)
      .u64(at + 8, size)
      .u32(at + 16, kind === 'ram' ? E820_RAM : E820_RESERVED);
  }
  return page.bytes;
}

/** The least setup header a plain vmlinux, which has none of its own, reads: it trusts only a header with its magic. */
export function syntheticSetupHeader(): Uint8Array {
  const at = (offset: number) => offset - SETUP_HEADER;
  return new Struct(at(0x280))
    .u16(at(0x1fe), 0xaa55)
    .ascii(at(0x202), 'HdrS', 4)
    .u16(at(0x206), 0x020f)
    .u8(at(0x211), LOADFLAG_LOADED_HIGH)
    .u32(at(0x22c), 0x7fffffff)
    .u32(at(0x238), 2047).bytes;
}
