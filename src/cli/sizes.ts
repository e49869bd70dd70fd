// SPDX-License-Identifier: BSD-2-Clause
/** Memory sizes as bhyve writes them, `512`, `512M`, `2G`, and as people read them. */
import { byteCount } from '../core/byte-count.js';
import { UsageError } from './usage-error.js';

const MIB = 1024 ** 2;
/** Direct boot puts its tables in the first megabyte and the kernel behind it. */
const SMALLEST = 2 * MIB;
const LARGEST = 64 * 1024 ** 4;
const ACCEPTED =
  'whole megabytes from 2M to 64T, written with K, M, G or T; a bare number below 1048576 means megabytes';

export function memorySize(where: string, text: string): number {
  const bytes = byteCount(text);
  if (!(bytes >= SMALLEST && bytes <= LARGEST) || bytes % MIB !== 0) {
    throw new UsageError(where, `'${text}' is not a memory size; accepted are ${ACCEPTED}`);
  }
  return bytes;
}

export function sizeText(bytes: number): string {
  if (bytes < MIB) return `${Math.ceil(bytes / 1024)} KiB`;
  return bytes < 1024 * MIB ? `${(bytes / MIB).toFixed(1)} MiB` : `${(bytes / (1024 * MIB)).toFixed(1)} GiB`;
}
