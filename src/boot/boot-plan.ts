// SPDX-License-Identifier: BSD-2-Clause
/**
 * What a loader decides: bytes to place in RAM and the registers to start with. Loaders are pure;
 * the machine applies a plan at power-on and again at each reset.
 */
import { hex } from '../core/bits.js';
import type { GuestMemory } from '../core/guest-memory.js';
import { BootError } from './boot-error.js';
import type { EntryState } from './entry-state.js';
import { describeRam, isRam, type RamLayout } from './memory-map.js';

export interface PlannedWrite {
  /** Said in error messages: "initrd", "kernel segment 2". */
  readonly what: string;
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes the item takes in memory when that is more than the file holds; the rest is zeroed. */
  readonly size?: number;
}

export interface BootPlan {
  /** Says which entry was chosen, for one line of log. */
  readonly description: string;
  readonly writes: readonly PlannedWrite[];
  readonly cpu: EntryState;
}

export function writeSize(write: PlannedWrite): number {
  return Math.max(write.size ?? 0, write.bytes.length);
}

/** Every item must lie in RAM and none may overlap another. */
export function checkWrites(file: string, writes: readonly PlannedWrite[], ram: RamLayout): void {
  const sorted = writes.filter((write) => writeSize(write) > 0).sort((a, b) => a.address - b.address);
  for (const [index, write] of sorted.entries()) {
    if (!isRam(ram, write.address, writeSize(write))) {
      throw new BootError(file, `${range(write)} does not fit in guest RAM (${describeRam(ram)}); give the guest more`);
    }
    const next = sorted[index + 1];
    if (next !== undefined && write.address + writeSize(write) > next.address) {
      throw new BootError(file, `${range(write)} overlaps ${range(next)}`);
    }
  }
}

export function applyPlan(memory: Pick<GuestMemory, 'write' | 'fill'>, plan: Pick<BootPlan, 'writes'>): void {
  for (const write of plan.writes) {
    memory.write(write.address, write.bytes);
    const rest = writeSize(write) - write.bytes.length;
    if (rest > 0) {
      memory.fill(write.address + write.bytes.length, rest, 0);
    }
  }
}

function range(write: PlannedWrite): string {
  return `${write.what} at ${hex(write.address)}..${hex(write.address + writeSize(write))}`;
}
