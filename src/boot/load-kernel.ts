// SPDX-License-Identifier: BSD-2-Clause
/** Recognises a kernel file by its magic and plans its boot. */
import { BootError } from './boot-error.js';
import type { BootFile, BootOptions } from './boot-options.js';
import type { BootPlan } from './boot-plan.js';
import { isElf, parseElf } from './elf.js';
import { bootBzImage, bootVmlinux } from './linux/linux-boot.js';
import { isBzImage } from './linux/setup-header.js';
import { bootMultiboot, findMultibootHeader } from './multiboot.js';
import { bootPvh, hasPvhEntry } from './pvh.js';

const ACCEPTED = 'a Linux bzImage, an ELF kernel (PVH, Linux vmlinux) or a Multiboot 1 kernel';

export function loadKernel(kernel: BootFile, options: BootOptions): BootPlan {
  const { name, bytes } = kernel;
  if (isBzImage(bytes)) {
    return bootBzImage(name, bytes, options);
  }
  const isElfFile = isElf(bytes);
  const elf = isElfFile ? parseElf(name, bytes) : null;
  if (elf !== null && hasPvhEntry(elf)) {
    return bootPvh(name, bytes, options);
  }
  if (findMultibootHeader(bytes) >= 0) {
    return bootMultiboot(name, bytes, options);
  }
  if (elf?.is64) {
    return bootVmlinux(name, bytes, options);
  }
  const found = isElfFile ? 'an ELF32 file without a PVH note or Multiboot header' : describe(bytes);
  throw new BootError(name, `not a kernel: ${found}; accepted are ${ACCEPTED}`);
}

function describe(bytes: Uint8Array): string {
  return bytes.length === 0
    ? 'the file is empty'
    : `it starts with ${Buffer.from(bytes.subarray(0, 8)).toString('hex')}`;
}
