// SPDX-License-Identifier: BSD-2-Clause
import type { RamJob } from '../hypervisor/ram-job.js';
import { refusing, SnapshotError } from './snapshot-error.js';

/** How somebody watches work that takes a while, and ends it. */
export interface Following {
  /** Bytes. */
  onProgress?(done: number, total: number): void;
  /** Asked now and then; true ends the work with an error, and nothing of it is left. */
  isCancelled?(): boolean;
}

const POLL_MS = 20;

/** Waits for the end of a job. `path` is what its failure is about. */
export function followJob<T>(job: RamJob<T>, path: string, following: Following = {}): T {
  try {
    while (!job.wait(POLL_MS)) {
      following.onProgress?.(job.done(), job.total());
      refuseCancelled(path, following);
    }
    following.onProgress?.(job.done(), job.total());
    refuseCancelled(path, following);
  } catch (error) {
    job.cancel();
    while (!job.wait(POLL_MS)); // it uses memory and a file that are about to change
    throw error;
  }
  return refusing(path, () => job.result());
}

function refuseCancelled(path: string, following: Following): void {
  if (following.isCancelled?.() === true) throw new SnapshotError(path, 'cancelled');
}
