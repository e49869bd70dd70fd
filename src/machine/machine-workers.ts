// SPDX-License-Identifier: BSD-2-Clause
/** Threads for machines. One can be started before anybody knows what it will run: half of its start is loading. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../hypervisor/package-root.js';

/** Put in by scripts/setup/bundle.mjs: the bundle's own worker. */
declare const BUNDLED_WORKER: string | undefined;

let spare: Worker | null = null;

/** To be called once, by a program that is about to run one machine. */
export function startSpareWorker(): void {
  spare = newWorker();
  spare.unref(); // nothing may wait for a thread without a machine
}

/** A thread that waits for its `ThreadData` as its first message. */
export function takeWorker(): Worker {
  const worker = spare ?? newWorker();
  spare = null;
  worker.ref();
  return worker;
}

/** The compiled file, also when this one was compiled on the fly by a test runner. */
function newWorker(): Worker {
  const file = typeof BUNDLED_WORKER === 'string' ? BUNDLED_WORKER : 'dist/src/machine/machine-worker.js';
  return new Worker(join(packageRoot(), file), { execArgv: [] });
}
