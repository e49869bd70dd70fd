// SPDX-License-Identifier: BSD-2-Clause
/** Machines that write to disks in a folder of their own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../../../src/machine/machine.js';
import { buildDiskGuest, checkContent, DISK_BYTES, startDiskGuest } from '../../support/disk-guest.js';
import { advance } from '../../support/proof.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Empty images. */
export function newImages(count: number, folder = temporaryFolder()): string[] {
  return Array.from({ length: count }, (_, index) => {
    const path = join(folder, `disk${index}.img`);
    writeFileSync(path, Buffer.alloc(DISK_BYTES));
    return path;
  });
}

/** Stands still at `time`. */
export function diskMachine(images: readonly string[], time: bigint): Machine {
  const machine = buildDiskGuest(images);
  startDiskGuest(machine);
  advance(machine, time);
  return machine;
}

/** Every disk holds what the guest has written to it. */
export function expectConsistent(machine: Machine): void {
  expect(() => checkContent(machine)).not.toThrow();
}
