// SPDX-License-Identifier: BSD-2-Clause
/**
 * The MTRRs as firmware leaves them (SDM vol. 3, 12.11): RAM is write-back, the windows of devices are not cached. A
 * kernel that finds them off does without page attributes, too.
 */
import { LOWMEM_LIMIT } from '../boot/memory-map.js';

const FIXED_64K_00000 = 0x250;
const FIXED_16K_80000 = 0x258;
const FIXED_16K_A0000 = 0x259;
const FIXED_4K_C0000 = 0x268;
const FIXED_4K_RANGES = 8;
const PHYSICAL_BASE_0 = 0x200;
const PHYSICAL_MASK_0 = 0x201;
const DEFAULT_TYPE = 0x2ff;

const EIGHT_UNCACHED = 0n;
const EIGHT_WRITE_PROTECTED = 0x0505_0505_0505_0505n;
const EIGHT_WRITE_BACK = 0x0606_0606_0606_0606n;

const WRITE_BACK = 6n;
const FIXED_ENABLED = 1n << 10n;
const ENABLED = 1n << 11n;
const VALID = 1n << 11n;

const GAP_SIZE = 0x1_0000_0000n - BigInt(LOWMEM_LIMIT);

/** Pairs of number and value. */
export function firmwareMtrrs(physicalAddressBits: number): BigUint64Array {
  const pairs: [number, bigint][] = [
    [FIXED_64K_00000, EIGHT_WRITE_BACK],
    [FIXED_16K_80000, EIGHT_WRITE_BACK],
    [FIXED_16K_A0000, EIGHT_UNCACHED],
  ];
  for (let range = 0; range < FIXED_4K_RANGES; range += 1) pairs.push([FIXED_4K_C0000 + range, EIGHT_WRITE_PROTECTED]);
  const addressSpace = 1n << BigInt(physicalAddressBits);
  pairs.push(
    [PHYSICAL_BASE_0, BigInt(LOWMEM_LIMIT)], // uncached is type 0
    [PHYSICAL_MASK_0, (addressSpace - GAP_SIZE) | VALID],
    [DEFAULT_TYPE, WRITE_BACK | FIXED_ENABLED | ENABLED],
  );
  return BigUint64Array.from(pairs.flatMap(([number, value]) => [BigInt(number), value]));
}
