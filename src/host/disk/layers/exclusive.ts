// SPDX-License-Identifier: BSD-2-Clause
import { closeSync } from 'node:fs';
import { lockFile } from '../../../hypervisor/ram-files.js';
import type { RamJob } from '../../../hypervisor/ram-job.js';
import type { DiskFollowing } from './api.js';
import type { LayerFolder } from './folder.js';

const POLL_MS = 50;

/** With the lock that every VM takes which writes to the image's own line. */
export function whileUnused<T>(folder: LayerFolder, work: () => T): T {
  const lock = folder.openLineLock(null);
  try {
    if (lock === null || !lockFile(lock, 'exclusive')) throw folder.error('in use by a VM; that has to end first');
    return work();
  } finally {
    if (lock !== null) closeSync(lock);
  }
}

/** Waits for a job's end and passes its progress on. */
export function completed<T>(job: RamJob<T>, following: DiskFollowing): T {
  while (!job.wait(POLL_MS)) {
    if (following.isCancelled?.() === true) job.cancel();
    following.onProgress?.(job.done(), job.total());
  }
  following.onProgress?.(job.done(), job.total());
  return job.result();
}
