// SPDX-License-Identifier: BSD-2-Clause
/**
 * Multiboot version 1 kernels: ELF32, or any file whose header gives load addresses (the a.out kludge).
 * Reference: Multiboot Specification 0.6.96. Video mode requests, drives and APM are not offered.
 */
import { hex } from '../core/bits.js';
import { BootError } from './boot-error.js';
import type { BootOptions } from './boot-options.js';
import { type BootPlan, checkWrites, type PlannedWrite, writeSize } from './boot-plan.js';
import { commandLineWrite } from './command-line.js';
import { isElf, loadableWrites, parseElf } from './elf.js';
import { globalDescriptorTable, protectedModeEntry } from './entry-state.js';
import { ImageReader } from './image-reader.js';
import { BOOT_AREA, memoryMap } from './memory-map.js';
import { kernelEnd, placeModule } from './placement.js';
import { Struct } from './struct.js';

const HEADER_MAGIC = 0x1badb002;
const BOOTLOADER_MAGIC = 0x2badb002;
const SEARCH_LIMIT = 8192;
const HEADER_SIZE = 12;

const WANT_PAGE_ALIGNED_MODULES = 1 << 0;
const WANT_MEMORY_INFO = 1 << 1;
const HAS_ADDRESSES = 1 << 16;
const MANDATORY_FLAGS = 0xffff;

const INFO_MEMORY = 1 << 0;
const INFO_COMMAND_LINE = 1 << 2;
const INFO_MODULES = 1 << 3;
const INFO_MEMORY_MAP = 1 << 6;
const INFO_LOADER_NAME = 1 << 9;
const INFO_SIZE = 116;
const MODULE_SIZE = 16;
const MAP_ENTRY_SIZE = 24;
const LOADER_NAME = 'tsbhyve';
const MEMORY_RAM = 1;
const MEMORY_RESERVED = 2;
const KIB = 1024;

/** The header's offset, or -1: it lies 4-byte aligned in the first 8 KiB and its three words sum to zero. */
export function findMultibootHeader(bytes: Uint8Array): number {
  const image = new ImageReader('', bytes);
  for (let at = 0; at + HEADER_SIZE <= Math.min(bytes.length, SEARCH_LIMIT); at += 4) {
    if (image.u32(at, 'magic') === HEADER_MAGIC) {
      const sum = HEADER_MAGIC + image.u32(at + 4, 'flags') + image.u32(at + 8, 'checksum');
      if (sum >>> 0 === 0) {
        return at;
      }
    }
  }
  return -1;
}

export function bootMultiboot(name: string, bytes: Uint8Array, options: BootOptions): BootPlan {
  const { ram } = options;
  const { writes: kernel, entry } = loadKernel(name, bytes);
  checkWrites(name, kernel, ram);
  const module =
    options.initrd === undefined ? null : placeModule('module', options.initrd, kernelEnd(kernel), ram.low, ram);
  const cpu = protectedModeEntry(entry, BOOT_AREA.gdt, {
    rax: BigInt(BOOTLOADER_MAGIC),
    rbx: BigInt(BOOT_AREA.params),
  });
  const writes: PlannedWrite[] = [
    { what: 'GDT', address: BOOT_AREA.gdt, bytes: globalDescriptorTable(cpu) },
    { what: 'Multiboot information', address: BOOT_AREA.params, bytes: multibootInfo(options, module) },
    commandLineWrite(name, options.commandLine),
    ...kernel,
    ...(module === null ? [] : [module]),
  ];
  checkWrites(name, writes, ram);
  return { description: 'Multiboot kernel, 32-bit entry', writes, cpu };
}

function loadKernel(name: string, bytes: Uint8Array): { writes: PlannedWrite[]; entry: number } {
  const image = new ImageReader(name, bytes);
  const header = findMultibootHeader(bytes);
  if (header < 0) {
    throw new BootError(name, `no Multiboot header in the first ${SEARCH_LIMIT} bytes`);
  }
  const flags = image.u32(header + 4, 'Multiboot flags');
  // 3.1.2: a loader that cannot do what bits 0-15 ask for must fail. A video mode (bit 2) is a preference.
  const unknown = flags & MANDATORY_FLAGS & ~(WANT_PAGE_ALIGNED_MODULES | WANT_MEMORY_INFO | 0x4);
  if (unknown !== 0) {
    throw new BootError(name, `the Multiboot flags are ${hex(flags)}, of bits 0-15 only 0, 1 and 2 are accepted`);
  }
  if ((flags & HAS_ADDRESSES) !== 0) {
    return fromHeaderAddresses(image, header);
  }
  if (!isElf(bytes)) {
    throw new BootError(name, 'the Multiboot header gives no load addresses (flag 16) and the file is not ELF');
  }
  const elf = parseElf(name, bytes);
  if (elf.is64) {
    throw new BootError(
      name,
      'a 64-bit ELF kernel; Multiboot 1 accepts ELF32, or load addresses in the header (flag 16)',
    );
  }
  return { writes: loadableWrites(elf), entry: Number(elf.entry) };
}

/** 3.1.3: the address fields. Zero load_end_addr means to the end of the file, zero bss_end_addr means no bss. */
function fromHeaderAddresses(image: ImageReader, header: number): { writes: PlannedWrite[]; entry: number } {
  const headerAddress = image.u32(header + 12, 'header_addr');
  const loadAddress = image.u32(header + 16, 'load_addr');
  const loadEnd = image.u32(header + 20, 'load_end_addr');
  const bssEnd = image.u32(header + 24, 'bss_end_addr');
  const entry = image.u32(header + 28, 'entry_addr');
  const offset = header - (headerAddress - loadAddress);
  if (headerAddress < loadAddress || offset < 0) {
    throw new BootError(
      image.name,
      `load_addr ${hex(loadAddress)} and header_addr ${hex(headerAddress)} put the load start outside the file`,
    );
  }
  const length = loadEnd === 0 ? image.length - offset : loadEnd - loadAddress;
  const kernel: PlannedWrite = {
    what: 'kernel',
    address: loadAddress,
    bytes: image.slice(offset, length, 'kernel'),
    size: bssEnd === 0 ? length : bssEnd - loadAddress,
  };
  if (entry < loadAddress || entry >= loadAddress + writeSize(kernel)) {
    throw new BootError(
      image.name,
      `entry_addr is ${hex(entry)}, only an address inside the loaded kernel is accepted`,
    );
  }
  return { writes: [kernel], entry };
}

/** 3.3: the information structure, followed by module list, memory map and loader name. */
function multibootInfo(options: BootOptions, module: PlannedWrite | null): Uint8Array {
  const map = memoryMap(options.ram);
  const modulesAt = INFO_SIZE;
  const mapAt = modulesAt + (module === null ? 0 : MODULE_SIZE);
  const nameAt = mapAt + map.length * MAP_ENTRY_SIZE;
  const absolute = (offset: number) => BOOT_AREA.params + offset;
  const info = new Struct(nameAt + LOADER_NAME.length + 1)
    .u32(0, INFO_MEMORY | INFO_COMMAND_LINE | INFO_MEMORY_MAP | INFO_LOADER_NAME | (module === null ? 0 : INFO_MODULES))
    .u32(4, BOOT_AREA.end / KIB) // mem_lower
    .u32(8, (options.ram.low - 0x100000) / KIB) // mem_upper
    .u32(16, BOOT_AREA.commandLine)
    .u32(20, module === null ? 0 : 1) // mods_count
    .u32(24, absolute(modulesAt))
    .u32(44, map.length * MAP_ENTRY_SIZE) // mmap_length
    .u32(48, absolute(mapAt))
    .u32(64, absolute(nameAt))
    .ascii(nameAt, LOADER_NAME, LOADER_NAME.length);
  if (module !== null) {
    info
      .u32(modulesAt, module.address)
      .u32(modulesAt + 4, module.address + module.bytes.length)
      .u32(modulesAt + 8, absolute(nameAt + LOADER_NAME.length)); // an empty string
  }
  for (const [index, { base, size, kind }] of map.entries()) {
    const at = mapAt + index * MAP_ENTRY_SIZE;
    // The size field does not count itself.
    info
      .u32(at, MAP_ENTRY_SIZE - 4)
      .u64(at + 4, base)
      .u64(at + 12, size);
    info.u32(at + 20, kind === 'ram' ? MEMORY_RAM : MEMORY_RESERVED);
  }
  return info.bytes;
}
