// SPDX-License-Identifier: BSD-2-Clause
import { chmodSync } from 'node:fs';
import { run } from '../quickstart/tools.js';

/** Holes stay holes, and where the file system can do it the copy shares its blocks. It is writable. */
export async function copyDisk(from: string, to: string): Promise<void> {
  await run('cp', ['--sparse=always', '--reflink=auto', from, to]);
  chmodSync(to, 0o600);
}
