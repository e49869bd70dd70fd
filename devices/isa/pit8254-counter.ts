// SPDX-License-Identifier: BSD-2-Clause
/**
 * One counter of an 8254: its six modes as functions of the tick number, so that nothing has to run between accesses.
 * Reference: I8254 = Intel 8254 data sheet (231164-005), "Mode Definitions". A tick is one CLK pulse since power-on.
 */
import { bool, oneOf, optional, record, u8, u32, u64 } from '../../src/core/state-fields.js';

const WORD = 0x10000;
const BCD_MODULUS = 10000;
const RATE_GENERATOR = 2;
const SQUARE_WAVE = 3;

/** `gate` is the level of GATE at reset, which is all there is to say where it is tied high. */
export const counterField = (gate: boolean) =>
  record({
    mode: u8({ max: 5 }),
    bcd: bool(),
    access: oneOf(['word', 'low', 'high'], { doc: 'RW: which bytes of the count the port carries' }),
    count: u32({ initial: WORD, min: 1, max: WORD, doc: 'the count in force' }),
    start: optional(u64(), { unit: 'ticks', doc: 'when it was loaded; in mode 3 the next rise may be meant' }),
    held: optional(u64(), { unit: 'ticks', doc: 'progress at which GATE stopped the count' }),
    written: optional(u32({ min: 1, max: WORD }), { doc: 'a count not loaded yet' }),
    loadAt: optional(u64(), { unit: 'ticks', doc: 'when it will be; null while it waits for GATE' }),
    loadsLowHalf: bool({ doc: 'mode 3: the load begins a low half' }),
    gate: bool({ initial: gate }),
    lowByte: optional(u8(), { doc: 'first byte of a two-byte count' }),
    readHigh: bool({ doc: 'the next read gives the high byte' }),
    latchedCount: optional(u32({ max: 0xffff })),
    latchedStatus: optional(u8()),
  });
export type Counter = ReturnType<ReturnType<typeof counterField>['initial']>;

const isPeriodic = (counter: Counter): boolean => counter.mode === RATE_GENERATOR || counter.mode === SQUARE_WAVE;
const isGateTriggered = (counter: Counter): boolean => counter.mode === 1 || counter.mode === 5;
const modulus = (counter: Counter): number => (counter.bcd ? BCD_MODULUS : WORD);

/** A control word for counting: the count that was in force stops. */
export function program(counter: Counter, mode: number, access: Counter['access'], bcd: boolean): void {
  Object.assign(counter, {
    mode,
    access,
    bcd,
    start: null,
    held: null,
    written: null,
    loadAt: null,
    lowByte: null,
    readHigh: false,
    latchedCount: null,
    latchedStatus: null,
  } satisfies Partial<Counter>);
}

/** Carries out the load that is due by `now`. */
export function settle(counter: Counter, now: bigint): void {
  const { written, loadAt } = counter;
  if (written === null || loadAt === null || now < loadAt) return;
  counter.count = written;
  counter.start = counter.loadsLowHalf ? loadAt + BigInt(written >> 1) : loadAt;
  counter.held = counter.gate || isGateTriggered(counter) ? null : 0n;
  counter.written = null;
  counter.loadAt = null;
  counter.loadsLowHalf = false;
}

/** Takes a complete count from the guest; zero means the greatest one. */
export function writeCount(counter: Counter, now: bigint, raw: number): void {
  const value = counter.bcd ? fromBcd(raw) % BCD_MODULUS : raw;
  counter.written = value === 0 ? modulus(counter) : value;
  counter.loadsLowHalf = false;
  if (isGateTriggered(counter)) return;
  if (!isPeriodic(counter) || counter.start === null) counter.loadAt = now + 1n;
  else if (counter.held !== null)
    counter.loadAt = null; // GATE reloads when it rises
  else loadAtBoundary(counter, now);
}

/** Modes 2 and 3 take a new count at the end of the current period or half period. */
function loadAtBoundary(counter: Counter, now: bigint): void {
  const phase = phaseAt(counter, now);
  const high = counter.mode === SQUARE_WAVE ? highTicks(counter.count) : counter.count;
  counter.loadsLowHalf = counter.mode === SQUARE_WAVE && phase < high;
  counter.loadAt = now + BigInt((phase < high ? high : counter.count) - phase);
}

/** Mode 0: OUT falls and counting stops with the first byte of a new count. */
export function stopForNewCount(counter: Counter): void {
  if (counter.mode !== 0) return;
  counter.start = null;
  counter.held = null;
  counter.written = null;
  counter.loadAt = null;
}

export function setGate(counter: Counter, now: bigint, level: boolean): void {
  if (counter.gate === level) return;
  counter.gate = level;
  if (level) gateRose(counter, now);
  else gateFell(counter, now);
}

function gateRose(counter: Counter, now: bigint): void {
  if (counter.mode === 0 || counter.mode === 4) {
    if (counter.held !== null) counter.start = now - counter.held;
    counter.held = null;
  } else if (counter.written !== null || counter.start !== null || isGateTriggered(counter)) {
    counter.written ??= counter.count;
    counter.loadAt = now + 1n;
    counter.loadsLowHalf = false;
  }
}

function gateFell(counter: Counter, now: bigint): void {
  if (isGateTriggered(counter)) return;
  if (isPeriodic(counter) && counter.start !== null) counter.loadAt = null;
  if (counter.start === null || counter.held !== null) return;
  counter.held = isPeriodic(counter) ? BigInt(phaseAt(counter, now)) : now - counter.start;
}

/** Level of OUT. */
export function outputAt(counter: Counter, now: bigint): boolean {
  const { mode, count, start, held } = counter;
  if (start === null) return mode !== 0;
  if (isPeriodic(counter)) {
    if (held !== null) return true;
    const phase = phaseAt(counter, now);
    return mode === RATE_GENERATOR ? phase !== count - 1 : phase < highTicks(count);
  }
  const elapsed = held ?? now - start;
  return mode >= 4 ? elapsed !== BigInt(count) : elapsed >= BigInt(count);
}

/** What a read of the counting element gives, in binary or in BCD. */
export function countAt(counter: Counter, now: bigint): number {
  const value = binaryCountAt(counter, now) % modulus(counter);
  return counter.bcd ? toBcd(value) : value;
}

function binaryCountAt(counter: Counter, now: bigint): number {
  const { count, start, held } = counter;
  if (start === null) return count;
  if (!isPeriodic(counter)) {
    return Number(modulo(BigInt(count) - (held ?? now - start), BigInt(modulus(counter))));
  }
  const phase = held === null ? phaseAt(counter, now) : Number(modulo(held, BigInt(count)));
  if (counter.mode === RATE_GENERATOR) return count - phase;
  const high = highTicks(count);
  return (count & ~1) - 2 * (phase < high ? phase : phase - high); // mode 3 counts by two, twice
}

/** True until the last count written has reached the counting element. */
export const isNullCount = (counter: Counter): boolean => counter.written !== null || counter.start === null;

/** The first tick after `now` at which OUT rises, or null. */
export function nextRise(counter: Counter, now: bigint): bigint | null {
  const { loadAt } = counter;
  const rise = riseAfter(counter, now);
  if (loadAt === null || (rise !== null && rise <= loadAt)) return rise;
  const loaded = { ...counter };
  settle(loaded, loadAt);
  return riseAfter(loaded, loadAt > now ? loadAt : now);
}

function riseAfter(counter: Counter, now: bigint): bigint | null {
  const { mode, start, held } = counter;
  if (start === null || held !== null) return null;
  const count = BigInt(counter.count);
  if (isPeriodic(counter)) {
    if (count === 1n) return null; // an illegal count (I8254 "Minimum and Maximum Initial Counts"): OUT stands still
    return now + count - modulo(now - start, count);
  }
  const rise = mode >= 4 ? start + count + 1n : start + count;
  return rise > now ? rise : null;
}

/** Ticks since the last rise of a periodic counter. */
function phaseAt(counter: Counter, now: bigint): number {
  return Number(modulo(now - (counter.start ?? now), BigInt(counter.count)));
}

/** Mode 3: OUT is high for (N + 1) / 2 ticks of an odd count. */
const highTicks = (count: number): number => (count + 1) >> 1;

/** Never negative, unlike `%`. */
const modulo = (value: bigint, by: bigint): bigint => ((value % by) + by) % by;

const fromBcd = (raw: number): number =>
  (raw >> 12) * 1000 + ((raw >> 8) & 15) * 100 + ((raw >> 4) & 15) * 10 + (raw & 15);

const toBcd = (value: number): number =>
  (Math.floor(value / 1000) << 12) |
  (Math.floor((value / 100) % 10) << 8) |
  (Math.floor((value / 10) % 10) << 4) |
  (value % 10);
