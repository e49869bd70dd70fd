// SPDX-License-Identifier: BSD-2-Clause
/**
 * Linux by its 32-bit and 64-bit boot protocols. Reference: Linux Documentation/arch/x86/boot.rst.
 * A bzImage is unpacked on the host by default, which leaves the kernel at its link address with
 * address randomisation off; memtest86+ and kernels without a payload run as they are.
 */
import { BootError } from '../boot-error.js';
import { type BootOptions, rsdpAddress } from '../boot-options.js';
import { type BootPlan, checkWrites, type PlannedWrite, writeSize } from '../boot-plan.js';
import { commandLineWrite } from '../command-line.js';
import { loadableWrites, parseElf } from '../elf.js';
import { type EntryState, globalDescriptorTable, longModeEntry, protectedModeEntry } from '../entry-state.js';
import { BOOT_AREA, memoryMap } from '../memory-map.js';
import { kernelEnd, placeModule } from '../placement.js';
import { bootParams, syntheticSetupHeader } from './boot-params.js';
import { identityPageTables } from './page-tables.js';
import { parseSetupHeader, type SetupHeader } from './setup-header.js';
import { unpackKernel } from './unpack.js';

const ENTRY_64_OFFSET = 0x200;
const DEFAULT_INITRD_MAX = 0x7fffffff;
const DEFAULT_COMMAND_LINE_MAX = 2047;

interface LoadedKernel {
  readonly description: string;
  readonly writes: readonly PlannedWrite[];
  readonly entry: number;
  readonly mode: 32 | 64;
  readonly setupHeader: Uint8Array;
  readonly loadAddress: number;
  readonly initrdAddressMax: number;
  readonly commandLineMax: number;
}

export function bootBzImage(name: string, image: Uint8Array, options: BootOptions): BootPlan {
  const header = parseSetupHeader(name, image);
  const onHost = options.unpack !== 'guest' && header.payload !== null && header.has64BitEntry;
  const kernel = onHost ? unpackedOnHost(name, header, header.payload) : loadedAsIs(header);
  return plan(name, kernel, options);
}

/** A plain vmlinux, entered at its 64-bit entry point. */
export function bootVmlinux(name: string, image: Uint8Array, options: BootOptions): BootPlan {
  const kernel: LoadedKernel = {
    description: 'Linux vmlinux, 64-bit entry',
    ...vmlinux(name, image),
    mode: 64,
    setupHeader: syntheticSetupHeader(),
    loadAddress: 0,
    initrdAddressMax: DEFAULT_INITRD_MAX,
    commandLineMax: DEFAULT_COMMAND_LINE_MAX,
  };
  return plan(name, kernel, options);
}

function unpackedOnHost(name: string, header: SetupHeader, payload: Uint8Array): LoadedKernel {
  return {
    description: 'Linux bzImage unpacked on the host, 64-bit entry',
    ...vmlinux(`${name} (unpacked)`, unpackKernel(name, payload)),
    mode: 64,
    ...headerLimits(header),
  };
}

function loadedAsIs(header: SetupHeader): LoadedKernel {
  const mode = header.has64BitEntry ? 64 : 32;
  return {
    description: `Linux bzImage as it is, ${mode}-bit entry`,
    writes: [{ what: 'kernel', address: header.loadAddress, bytes: header.protectedModeCode, size: header.initSize }],
    entry: header.loadAddress + (mode === 64 ? ENTRY_64_OFFSET : 0),
    mode,
    ...headerLimits(header),
  };
}

function headerLimits(header: SetupHeader) {
  return {
    setupHeader: header.bytes,
    loadAddress: header.loadAddress,
    initrdAddressMax: header.initrdAddressMax,
    commandLineMax: header.commandLineMax,
  };
}

function vmlinux(name: string, image: Uint8Array) {
  const elf = parseElf(name, image);
  if (!elf.is64) {
    throw new BootError(name, 'a 32-bit ELF kernel; by the 64-bit entry only ELF64 is accepted');
  }
  const writes = loadableWrites(elf);
  const entry = Number(elf.entry);
  if (!writes.some((write) => entry >= write.address && entry < write.address + writeSize(write))) {
    throw new BootError(
      name,
      `e_entry is 0x${elf.entry.toString(16)}, only a physical address inside a loaded segment is accepted`,
    );
  }
  return { writes, entry };
}

function plan(name: string, kernel: LoadedKernel, options: BootOptions): BootPlan {
  const { ram } = options;
  checkWrites(name, kernel.writes, ram);
  const end = kernelEnd(kernel.writes);
  const initrd =
    options.initrd === undefined ? null : placeModule('initrd', options.initrd, end, kernel.initrdAddressMax + 1, ram);

  const params = bootParams({
    setupHeader: kernel.setupHeader,
    loadAddress: kernel.loadAddress,
    rsdp: rsdpAddress(options),
    memory: memoryMap(ram),
    initrd: initrd && { address: initrd.address, size: initrd.bytes.length },
  });
  const cpu = entryState(kernel);
  const writes: PlannedWrite[] = [
    { what: 'GDT', address: BOOT_AREA.gdt, bytes: globalDescriptorTable(cpu) },
    { what: 'boot_params', address: BOOT_AREA.params, bytes: params },
    commandLineWrite(name, options.commandLine, kernel.commandLineMax),
    ...kernel.writes,
  ];
  if (kernel.mode === 64) {
    writes.push({
      what: 'page tables',
      address: BOOT_AREA.pageTables,
      bytes: identityPageTables(BOOT_AREA.pageTables),
    });
  }
  if (initrd !== null) {
    writes.push(initrd);
  }
  checkWrites(name, writes, ram);
  return { description: kernel.description, writes, cpu };
}

function entryState(kernel: LoadedKernel): EntryState {
  const registers = { rsi: BigInt(BOOT_AREA.params) };
  return kernel.mode === 64
    ? longModeEntry(kernel.entry, BOOT_AREA.pageTables, BOOT_AREA.gdt, registers)
    : protectedModeEntry(kernel.entry, BOOT_AREA.gdt, registers);
}
