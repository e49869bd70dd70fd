// SPDX-License-Identifier: BSD-2-Clause
import type { RamJob } from '../hypervisor/ram-job.js';
import { refusing } from './snapshot-error.js';

/** How somebody watches work that takes a while, and ends it. */
export interface Following {
  /** Bytes. */
  onProgress?(done: number, total: number): void;
  /** Asked now and then; true ends the work with an error, and nothing of it is left. */
  isCancelled?(): boolean;
}

const POLL_MS = 20;

/** Waits for the end of a job. `path` is what its failure is about. */
export function followJob<T>(job: RamJob<T>, path: string, { onProgress, isCancelled }: Following = {}): T {
  while (!job.wait(POLL_MS)) {
    onProgress?.(job.done(), job.total());
    if (isCancelled?.() === true) job.cancel();
  }
  const result = refusing(path, () => job.result());
  onProgress?.(job.done(), job.total());
  return result;
}
