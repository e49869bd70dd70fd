// SPDX-License-Identifier: BSD-2-Clause
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../hypervisor/package-root.js';

/** Who writes snapshots, with the version. */
export function producer(): string {
  const { version }: { version?: unknown } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  return `tsbhyve ${String(version)}`;
}
