// SPDX-License-Identifier: BSD-2-Clause
import type { RamLayout } from './memory-map.js';

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
  /** Where a compressed bzImage is unpacked. 'host' saves the guest the work; 'guest' boots the file as it is. */
  readonly unpack?: 'host' | 'guest';
}
