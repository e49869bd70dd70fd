// SPDX-License-Identifier: BSD-2-Clause
/**
 * Long work as a generator that yields what it waits for: a caller with nothing else to do waits, the machine's thread
 * lets the guest run meanwhile. An error thrown into the generator makes it undo what it has begun.
 */
import type { RamJob } from '../hypervisor/ram-job.js';
import { refusing, SnapshotError } from './snapshot-error.js';

/** How somebody watches work that takes a while, and ends it. */
export interface Following {
  /** Bytes. */
  onProgress?(done: number, total: number): void;
  /** Asked now and then; true ends the work with an error, and nothing of it is left. */
  isCancelled?(): boolean;
}

/** Something that ends by itself. */
export interface Pending {
  /** True once it has ended; waits for that at most so long. */
  wait(milliseconds: number): boolean;
  /** Nobody waits any longer: ends what was begun for this work alone. */
  stop(): void;
  /** Bytes. */
  done(): number;
  total(): number;
}

export type Steps<T> = Generator<Pending, T, void>;

const POLL_MS = 20;

/** Waits for a job and gives its result. `path` is what its failure is about. */
export function* resultOf<T>(job: RamJob<T>, path: string): Steps<T> {
  yield {
    wait: (milliseconds) => job.wait(milliseconds),
    done: () => job.done(),
    total: () => job.total(),
    stop: () => {
      job.cancel();
      while (!job.wait(POLL_MS)); // it uses memory and a file that are about to change
    },
  };
  return refusing(path, () => job.result());
}

export class StepRunner<T> {
  private state: IteratorResult<Pending, T>;

  constructor(private readonly steps: Steps<T>) {
    this.state = steps.next();
  }

  /** What it waits for now; null at its end. */
  get pending(): Pending | null {
    return this.state.done === true ? null : this.state.value;
  }

  /** Only at the end. */
  get result(): T {
    if (this.state.done !== true) throw new Error('the work has not ended');
    return this.state.value;
  }

  /** Goes on once `pending` has ended. */
  advance(): void {
    this.state = this.steps.next();
  }

  /** Ends the work with this error, which comes out again. */
  abort(error: unknown): never {
    this.pending?.stop();
    this.steps.throw(error);
    throw error;
  }
}

/** Runs work to its end. `path` is what it is about. */
export function runSteps<T>(steps: Steps<T>, path: string, following: Following = {}): T {
  const runner = new StepRunner(steps);
  for (let { pending } = runner; pending !== null; { pending } = runner) {
    try {
      while (!pending.wait(POLL_MS)) report(pending, path, following);
      report(pending, path, following);
    } catch (error) {
      runner.abort(error);
    }
    runner.advance();
  }
  return runner.result;
}

function report(pending: Pending, path: string, following: Following): void {
  following.onProgress?.(pending.done(), pending.total());
  if (following.isCancelled?.() === true) throw new SnapshotError(path, 'cancelled');
}

/** Waits for the end of a job. `path` is what its failure is about. */
export function followJob<T>(job: RamJob<T>, path: string, following: Following = {}): T {
  return runSteps(resultOf(job, path), path, following);
}
