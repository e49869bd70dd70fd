// SPDX-License-Identifier: BSD-2-Clause
/**
 * Between seconds since 1970 and the clock bytes of an MC146818, in BCD or binary, 12 or 24 hours.
 * Reference: MC146818 = Motorola MC146818A data sheet (1984), "Time, Calendar and Alarm Locations".
 */

/** Bytes of the clock. The century byte is the PC's addition, at the place bhyve and ACPI tables give it. */
export const RTC_SECONDS = 0x00;
export const RTC_SECONDS_ALARM = 0x01;
export const RTC_MINUTES = 0x02;
export const RTC_MINUTES_ALARM = 0x03;
export const RTC_HOURS = 0x04;
export const RTC_HOURS_ALARM = 0x05;
export const RTC_WEEKDAY = 0x06;
export const RTC_DAY = 0x07;
export const RTC_MONTH = 0x08;
export const RTC_YEAR = 0x09;
export const RTC_CENTURY = 0x32;
export const CLOCK_BYTES: readonly number[] = [
  RTC_SECONDS,
  RTC_MINUTES,
  RTC_HOURS,
  RTC_WEEKDAY,
  RTC_DAY,
  RTC_MONTH,
  RTC_YEAR,
  RTC_CENTURY,
];

/** Register B chooses how the bytes are written. */
export interface ClockFormat {
  readonly binary: boolean;
  readonly hours24: boolean;
}

const PM = 0x80;
const ANY = 0xc0; // an alarm byte with both bits set matches always
const DAYS_TO_1970 = 719_528; // from 1 January of year 0
const DAY_SECONDS = 86_400;
const DAYS_PER_YEAR = 365.2425;

interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** The byte at `index` when the clock shows `time`. */
export function clockByte(index: number, time: number, format: ClockFormat): number {
  const days = Math.floor(time / DAY_SECONDS) + DAYS_TO_1970;
  const secondOfDay = time - (days - DAYS_TO_1970) * DAY_SECONDS;
  const hour = Math.floor(secondOfDay / 3600);
  switch (index) {
    case RTC_SECONDS:
      return encode(secondOfDay % 60, format);
    case RTC_MINUTES:
      return encode(Math.floor(secondOfDay / 60) % 60, format);
    case RTC_HOURS:
      return format.hours24 ? encode(hour, format) : encode(((hour + 11) % 12) + 1, format) | (hour < 12 ? 0 : PM);
    case RTC_WEEKDAY:
      return ((days + 6) % 7) + 1; // Sunday is 1, and year 0 began on a Saturday
  }
  const date = civilDate(days);
  switch (index) {
    case RTC_DAY:
      return encode(date.day, format);
    case RTC_MONTH:
      return encode(date.month, format);
    case RTC_YEAR:
      return encode(date.year % 100, format);
    default:
      return encode(Math.floor(date.year / 100), format);
  }
}

/** The time that the clock bytes in `memory` say, or null if they say none. The weekday is free, as in the chip. */
export function readClock(memory: Uint8Array, format: ClockFormat): number | null {
  const byte = (index: number) => decode(memory[index] ?? 0, format);
  const year = inRange(byte(RTC_YEAR), 0, 99);
  const century = inRange(byte(RTC_CENTURY), 0, 99);
  const month = inRange(byte(RTC_MONTH), 1, 12);
  const day = inRange(byte(RTC_DAY), 1, 31);
  const hour = readHour(memory[RTC_HOURS] ?? 0, format);
  const minute = inRange(byte(RTC_MINUTES), 0, 59);
  const second = inRange(byte(RTC_SECONDS), 0, 59);
  if (year === null || century === null || month === null || day === null) return null;
  if (hour === null || minute === null || second === null) return null;
  const fullYear = century * 100 + year;
  if (day > daysInMonth(fullYear, month)) return null;
  const days = daysBefore(fullYear, month) + day - 1 - DAYS_TO_1970;
  return days * DAY_SECONDS + hour * 3600 + minute * 60 + second;
}

/** The first time after `time` that matches the alarm bytes, or null if none ever does. */
export function nextAlarmTime(memory: Uint8Array, format: ClockFormat, time: number): number | null {
  const hours = alarmValues(memory[RTC_HOURS_ALARM] ?? 0, 24, (raw) => readHour(raw, format));
  const minutes = alarmValues(memory[RTC_MINUTES_ALARM] ?? 0, 60, (raw) => inRange(decode(raw, format), 0, 59));
  const seconds = alarmValues(memory[RTC_SECONDS_ALARM] ?? 0, 60, (raw) => inRange(decode(raw, format), 0, 59));
  const [hour, minute, second] = [hours[0], minutes[0], seconds[0]];
  if (hour === undefined || minute === undefined || second === undefined) return null;
  const midnight = Math.floor(time / DAY_SECONDS) * DAY_SECONDS;
  const today = firstAfter(hours, minutes, seconds, time - midnight);
  return today === null ? midnight + DAY_SECONDS + hour * 3600 + minute * 60 + second : midnight + today;
}

/** The first listed second of the day after `after`; every list is ascending. */
function firstAfter(
  hours: readonly number[],
  minutes: readonly number[],
  seconds: readonly number[],
  after: number,
): number | null {
  for (const hour of hours) {
    if (hour * 3600 + 3599 <= after) continue;
    for (const minute of minutes) {
      if (hour * 3600 + minute * 60 + 59 <= after) continue;
      const second = seconds.find((candidate) => hour * 3600 + minute * 60 + candidate > after);
      if (second !== undefined) return hour * 3600 + minute * 60 + second;
    }
  }
  return null;
}

function alarmValues(raw: number, count: number, read: (raw: number) => number | null): number[] {
  if ((raw & ANY) === ANY) return Array.from({ length: count }, (_, value) => value);
  const value = read(raw);
  return value === null ? [] : [value];
}

function readHour(raw: number, format: ClockFormat): number | null {
  if (format.hours24) return inRange(decode(raw, format), 0, 23);
  const hour = inRange(decode(raw & ~PM, format), 1, 12);
  return hour === null ? null : (hour % 12) + (raw & PM ? 12 : 0);
}

const encode = (value: number, format: ClockFormat): number =>
  format.binary ? value : (Math.floor(value / 10) << 4) | (value % 10);

function decode(raw: number, format: ClockFormat): number | null {
  if (format.binary) return raw;
  const [tens, ones] = [raw >> 4, raw & 15];
  return tens > 9 || ones > 9 ? null : tens * 10 + ones;
}

const inRange = (value: number | null, min: number, max: number): number | null =>
  value === null || value < min || value > max ? null : value;

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

const daysInMonth = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;

/** Days from 1 January of year 0 to the first of a month. */
function daysBefore(year: number, month: number): number {
  const leapDays = Math.ceil(year / 4) - Math.ceil(year / 100) + Math.ceil(year / 400);
  let days = year * 365 + leapDays;
  for (let earlier = 1; earlier < month; earlier++) days += daysInMonth(year, earlier);
  return days;
}

function civilDate(days: number): CivilDate {
  let year = Math.floor(days / DAYS_PER_YEAR);
  if (daysBefore(year + 1, 1) <= days)
    year++; // the estimate is at most one day off
  else if (daysBefore(year, 1) > days) year--;
  let day = days - daysBefore(year, 1) + 1;
  let month = 1;
  while (day > daysInMonth(year, month)) day -= daysInMonth(year, month++);
  return { year, month, day };
}
