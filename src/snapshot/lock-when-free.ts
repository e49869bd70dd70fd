// SPDX-License-Identifier: BSD-2-Clause
import { closeSync } from 'node:fs';
import { lockFile } from '../hypervisor/ram-files.js';
import { openRegular } from './durable.js';
import { SnapshotError } from './snapshot-error.js';
import type { Following } from './steps.js';

const POLL_MS = 20;

/** Holds a file exclusively, as soon as nobody else does. The lock ends with the descriptor. */
export function lockWhenFree(path: string, name: string, following: Following = {}): number {
  const fd = openRegular(path, name);
  const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
  try {
    while (!lockFile(fd, 'exclusive')) {
      if (following.isCancelled?.() === true) throw new SnapshotError(name, 'cancelled');
      Atomics.wait(nobodyWakes, 0, 0, POLL_MS);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
