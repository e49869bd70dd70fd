// SPDX-License-Identifier: BSD-2-Clause
/** Memory sizes as bhyve writes them, `512`, `512M`, `2G`, and as people read them. */
import { UsageError } from './usage-error.js';

const MIB = 1024 ** 2;
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: MIB, G: 1024 ** 3, T: 1024 ** 4 };
/** Direct boot puts its tables in the first megabyte and the kernel behind it. */
const SMALLEST = 2 * MIB;
const LARGEST = 64 * 1024 ** 4;
const ACCEPTED =
  'whole megabytes from 2M to 64T, written with K, M, G or T; a bare number below 1048576 means megabytes';

export function memorySize(where: string, text: string): number {
  const [, digits, unit] = /^(\d+)([KMGT]?)B?$/i.exec(text) ?? [];
  const number = Number(digits) * (UNITS[unit?.toUpperCase() ?? ''] ?? Number.NaN);
  // vm_parse_memsize(): a bare number too small to be bytes counts megabytes.
  const bytes = unit === '' && number < MIB ? number * MIB : number;
  if (!(bytes >= SMALLEST && bytes <= LARGEST) || bytes % MIB !== 0) {
    throw new UsageError(where, `'${text}' is not a memory size; accepted are ${ACCEPTED}`);
  }
  return bytes;
}

export function sizeText(bytes: number): string {
  if (bytes < MIB) return `${Math.ceil(bytes / 1024)} KiB`;
  return bytes < 1024 * MIB ? `${(bytes / MIB).toFixed(1)} MiB` : `${(bytes / (1024 * MIB)).toFixed(1)} GiB`;
}
