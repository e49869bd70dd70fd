// SPDX-License-Identifier: BSD-2-Clause
import { ACPI_BASE, type RamLayout } from './memory-map.js';

/** A file read by the caller; the name is for error messages only. */
export interface BootFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface BootOptions {
  readonly ram: RamLayout;
  readonly commandLine: string;
  /** The initrd of a Linux kernel, the first module of a PVH or Multiboot kernel. */
  readonly initrd?: BootFile;
  /** False if the machine has no ACPI tables, so that the kernel is given no RSDP address. */
  readonly acpi?: boolean;
  /** Where a compressed bzImage is unpacked. 'host' saves the guest the work; 'guest' boots the file as it is. */
  readonly unpack?: 'host' | 'guest';
}

/** The RSDP's address, or 0 for none, as both boot_params and hvm_start_info want it. */
export function rsdpAddress(options: BootOptions): number {
  return options.acpi === false ? 0 : ACPI_BASE;
}
