// SPDX-License-Identifier: BSD-2-Clause
/**
 * PVH direct boot: an ELF kernel whose note gives a 32-bit entry point (FreeBSD, Linux with CONFIG_PVH).
 * Reference: Xen docs/misc/pvh.pandoc and xen/include/public/arch-x86/hvm/start_info.h, version 1.
 */
import { BootError } from './boot-error.js';
import { type BootOptions, rsdpAddress } from './boot-options.js';
import { type BootPlan, checkWrites, type PlannedWrite } from './boot-plan.js';
import { commandLineWrite } from './command-line.js';
import { type Elf, findNote, loadableWrites, parseElf } from './elf.js';
import { globalDescriptorTable, protectedModeEntry } from './entry-state.js';
import { BOOT_AREA, memoryMap } from './memory-map.js';
import { kernelEnd, placeModule } from './placement.js';
import { Struct } from './struct.js';

const XEN_NOTE_OWNER = 'Xen';
const XEN_ELFNOTE_PHYS32_ENTRY = 18;
const START_MAGIC = 0x336ec578;
const START_INFO_VERSION = 1;
const START_INFO_SIZE = 56;
const MODULE_ENTRY_SIZE = 32;
const MEMORY_MAP_ENTRY_SIZE = 24;
const MEMORY_MAP_RAM = 1;
const MEMORY_MAP_RESERVED = 2;
const BELOW_4_GIB = 0x100000000;

export function hasPvhEntry(elf: Elf): boolean {
  return findNote(elf, XEN_NOTE_OWNER, XEN_ELFNOTE_PHYS32_ENTRY) !== undefined;
}

export function bootPvh(name: string, image: Uint8Array, options: BootOptions): BootPlan {
  const { ram } = options;
  const elf = parseElf(name, image);
  const kernel = loadableWrites(elf);
  checkWrites(name, kernel, ram);
  const module =
    options.initrd === undefined ? null : placeModule('module', options.initrd, kernelEnd(kernel), BELOW_4_GIB, ram);

  const cpu = protectedModeEntry(entryPoint(elf), BOOT_AREA.gdt, { rbx: BigInt(BOOT_AREA.params) });
  const writes: PlannedWrite[] = [
    { what: 'GDT', address: BOOT_AREA.gdt, bytes: globalDescriptorTable(cpu) },
    { what: 'hvm_start_info', address: BOOT_AREA.params, bytes: startInfo(options, module) },
    commandLineWrite(name, options.commandLine),
    ...kernel,
    ...(module === null ? [] : [module]),
  ];
  checkWrites(name, writes, ram);
  return { description: 'PVH kernel, 32-bit entry', writes, cpu };
}

function entryPoint(elf: Elf): number {
  const note = findNote(elf, XEN_NOTE_OWNER, XEN_ELFNOTE_PHYS32_ENTRY);
  const length = note?.description.length ?? 0;
  if (note === undefined || (length !== 4 && length !== 8)) {
    throw new BootError(elf.image.name, `the PHYS32_ENTRY note has ${length} bytes, 4 or 8 are accepted`);
  }
  const value = note.description.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  if (value >= BELOW_4_GIB) {
    throw new BootError(
      elf.image.name,
      `the PVH entry point is 0x${value.toString(16)}, only addresses below 4 GiB are accepted`,
    );
  }
  return Number(value);
}

/** hvm_start_info, followed by its module list and memory map. */
function startInfo(options: BootOptions, module: PlannedWrite | null): Uint8Array {
  const map = memoryMap(options.ram);
  const modulesAt = START_INFO_SIZE;
  const mapAt = modulesAt + (module === null ? 0 : MODULE_ENTRY_SIZE);
  const info = new Struct(mapAt + map.length * MEMORY_MAP_ENTRY_SIZE)
    .u32(0, START_MAGIC)
    .u32(4, START_INFO_VERSION)
    .u32(12, module === null ? 0 : 1) // nr_modules
    .u64(16, module === null ? 0 : BOOT_AREA.params + modulesAt)
    .u64(24, BOOT_AREA.commandLine)
    .u64(32, rsdpAddress(options)) // rsdp_paddr
    .u64(40, BOOT_AREA.params + mapAt)
    .u32(48, map.length);
  if (module !== null) {
    info.u64(modulesAt, module.address).u64(modulesAt + 8, module.bytes.length);
  }
  for (const [index, { base, size, kind }] of map.entries()) {
    const at = mapAt + index * MEMORY_MAP_ENTRY_SIZE;
    info
      .u64(at, base)
      .u64(at + 8, size)
      .u32(at + 16, kind === 'ram' ? MEMORY_MAP_RAM : MEMORY_MAP_RESERVED);
  }
  return info.bytes;
}
