// SPDX-License-Identifier: BSD-2-Clause
import { alignDown, alignUp, hex } from '../core/bits.js';
import { BootError } from './boot-error.js';
import type { BootFile } from './boot-options.js';
import { type PlannedWrite, writeSize } from './boot-plan.js';
import type { RamLayout } from './memory-map.js';

const PAGE = 4096;
const FIRST_MIB = 0x100000;

/** The address after the last byte the kernel takes, page-aligned. */
export function kernelEnd(writes: readonly PlannedWrite[]): number {
  return alignUp(Math.max(FIRST_MIB, ...writes.map((write) => write.address + writeSize(write))), PAGE);
}

/** A module as high in low RAM as allowed, so that the kernel's early allocations above its image do not meet it. */
export function placeModule(
  what: string,
  module: BootFile,
  floor: number,
  ceiling: number,
  ram: RamLayout,
): PlannedWrite {
  const top = Math.min(ceiling, ram.low);
  const address = alignDown(Math.max(0, top - module.bytes.length), PAGE);
  if (module.bytes.length === 0) {
    throw new BootError(module.name, `the ${what} is empty`);
  }
  if (address < floor) {
    throw new BootError(
      module.name,
      `the ${what} has ${module.bytes.length} bytes, at most ${Math.max(0, top - floor)} fit between the kernel's end at ${hex(floor)} and ${hex(top)}; give the guest more memory`,
    );
  }
  return { what, address, bytes: module.bytes };
}
