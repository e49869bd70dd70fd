// SPDX-License-Identifier: BSD-2-Clause
/** Sizes as bhyve writes them: `512`, `512M`, `2G`. */

const MIB = 1024 ** 2;
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: MIB, G: 1024 ** 3, T: 1024 ** 4 };

/** NaN for what is no size. As in vm_parse_memsize() a bare number too small to be bytes counts megabytes. */
export function byteCount(text: string): number {
  const [, digits, unit] = /^(\d+)([KMGT]?)B?$/i.exec(text) ?? [];
  const number = Number(digits) * (UNITS[unit?.toUpperCase() ?? ''] ?? Number.NaN);
  return unit === '' && number < MIB ? number * MIB : number;
}
