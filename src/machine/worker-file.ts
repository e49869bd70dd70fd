// SPDX-License-Identifier: BSD-2-Clause
import { join } from 'node:path';
import { packageRoot } from '../hypervisor/package-root.js';

/** Put in by scripts/setup/bundle.mjs: the bundle's own worker. */
declare const BUNDLED_WORKER: string | undefined;

/** The compiled file, also when this one was compiled on the fly by a test runner. */
export function workerFile(): string {
  const file = typeof BUNDLED_WORKER === 'string' ? BUNDLED_WORKER : 'dist/src/machine/machine-worker.js';
  return join(packageRoot(), file);
}
