// SPDX-License-Identifier: BSD-2-Clause
import { accessSync, constants, statSync } from 'node:fs';
import { systemReason } from '../host/host-error.js';
import { UsageError } from './usage-error.js';

/** Refuses what cannot be a kernel or an initrd before anything is started. */
export function requireReadableFile(option: string, path: string): void {
  let isFile: boolean;
  try {
    accessSync(path, constants.R_OK);
    isFile = statSync(path).isFile();
  } catch (cause) {
    throw new UsageError(`${option} ${path}`, `cannot read it: ${systemReason(cause)}`, { cause });
  }
  if (!isFile) throw new UsageError(`${option} ${path}`, 'not a file; a regular file is accepted');
}
