// SPDX-License-Identifier: BSD-2-Clause
/**
 * One comparator of the HPET: its configuration, and when it matches the main counter.
 * Reference: HPET = IA-PC HPET specification 1.0a (Intel, 2004), sections 2.3.8 to 2.3.10.
 */
import { optional, record, u32, u64 } from '../../src/core/state-fields.js';

/** The timers may use I/O APIC pins 24 to 31. */
export const HPET_FIRST_PIN = 24;

export const T_LEVEL = 0x0002;
export const T_ENABLE = 0x0004;
export const T_FSB = 0x4000;
/** FSB delivery and periodic mode. */
export const T_CAPABILITIES = 0x8010;

const T_PERIODIC = 0x0008;
const T_VALUE_SET = 0x0040;
const T_ROUTE = 0x3e00;
const T_ROUTE_SHIFT = 9;
const T_WRITABLE = T_LEVEL | T_ENABLE | T_PERIODIC | T_VALUE_SET | T_ROUTE | T_FSB;
const WRAP = 1n << 32n;

export const timerField = () =>
  record({
    config: u32({ mask: T_WRITABLE }),
    comparator: u32({ initial: 0xffff_ffff }),
    period: u32({ unit: 'ticks' }),
    fsbValue: u32(),
    fsbAddress: u32(),
    nextMatch: optional(u64(), { unit: 'ticks', doc: 'null while the main counter stands' }),
  });
export type HpetTimer = ReturnType<ReturnType<typeof timerField>['initial']>;

/** Section 2.3.8: software finds out by reading back whether its route was accepted. */
export function writeConfig(timer: HpetTimer, value: number): void {
  const route = (value & T_ROUTE) >> T_ROUTE_SHIFT;
  timer.config = value & T_WRITABLE;
  if (route < HPET_FIRST_PIN) timer.config &= ~T_ROUTE;
  if (!isPeriodic(timer)) timer.config &= ~T_VALUE_SET;
}

/**
 * Section 2.3.9.2.2: in periodic mode a write sets the period, and the comparator only after VAL_SET. True if the
 * comparator has changed.
 */
export function writeComparator(timer: HpetTimer, value: number): boolean {
  if (isPeriodic(timer)) {
    timer.period = value;
    if (!(timer.config & T_VALUE_SET)) return false;
  }
  timer.config &= ~T_VALUE_SET;
  timer.comparator = value;
  return true;
}

/** Sets the next match from the main counter, or none while it stands (`count` null). */
export function scheduleMatch(timer: HpetTimer, count: number | null, now: bigint): void {
  timer.nextMatch = count === null ? null : now + BigInt((timer.comparator - count) >>> 0);
}

/** Moves past all matches up to `now`; a timer that is not periodic matches again when the main counter has wrapped. */
export function takeMatches(timer: HpetTimer, now: bigint): boolean {
  const first = timer.nextMatch;
  if (first === null || first > now) return false;
  const step = isPeriodic(timer) && timer.period !== 0 ? BigInt(timer.period) : WRAP;
  const distance = ((now - first) / step + 1n) * step;
  timer.nextMatch = first + distance;
  timer.comparator = Number(BigInt.asUintN(32, BigInt(timer.comparator) + distance));
  return true;
}

/** The I/O APIC pin of a timer, or 0 for none. */
export function pinOf(timer: HpetTimer): number {
  return (timer.config & T_ROUTE) >> T_ROUTE_SHIFT;
}

const isPeriodic = (timer: HpetTimer): boolean => (timer.config & T_PERIODIC) !== 0;
