// SPDX-License-Identifier: BSD-2-Clause
import { TickRate } from '../tick-rate.js';

const CRYSTAL = new TickRate(32_768n);

/**
 * VM time of the first periodic interrupt after `since`, or null if there is none. MC146818 "Periodic Interrupt Rate", for
 * the 32.768 kHz time base. The phase is that of VM time.
 */
export function nextPeriodic(since: bigint, rate: number): bigint | null {
  if (rate === 0) return null;
  const period = 1n << BigInt(rate < 3 ? rate + 6 : rate - 1);
  return CRYSTAL.timeOf((CRYSTAL.ticksAt(since) / period + 1n) * period);
}
