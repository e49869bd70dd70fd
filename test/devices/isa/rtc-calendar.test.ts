// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { type ClockFormat, clockByte, nextAlarmTime, readClock } from '../../../devices/isa/rtc-calendar.js';

const BINARY: ClockFormat = { binary: true, hours24: true };
const CLOCK = [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32];
const FIRST = Date.UTC(2000, 0, 1) / 1000 - 2000 * 365.2425 * 86_400; // 0000-01-01
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

const formats = fc.record({ binary: fc.boolean(), hours24: fc.boolean() });
const times = fc.integer({ min: FIRST, max: LAST });

const show = (time: number, format: ClockFormat): number[] => CLOCK.map((index) => clockByte(index, time, format));

function memoryOf(time: number, format: ClockFormat): Uint8Array {
  const memory = new Uint8Array(128);
  for (const index of CLOCK) memory[index] = clockByte(index, time, format);
  return memory;
}

test('shows the date that the host’s calendar gives', () => {
  fc.assert(
    fc.property(times, (time) => {
      const date = new Date(time * 1000);
      expect(show(time, BINARY)).toEqual([
        date.getUTCSeconds(),
        date.getUTCMinutes(),
        date.getUTCHours(),
        date.getUTCDay() + 1,
        date.getUTCDate(),
        date.getUTCMonth() + 1,
        date.getUTCFullYear() % 100,
        Math.floor(date.getUTCFullYear() / 100),
      ]);
    }),
  );
});

test('reads back what it shows, in every format', () => {
  fc.assert(
    fc.property(times, formats, (time, format) => {
      expect(readClock(memoryOf(time, format), format)).toBe(time);
    }),
  );
});

test.each([
  [0, 0x12],
  [1, 0x01],
  [11, 0x11],
  [12, 0x92],
  [13, 0x81],
  [23, 0x91],
])('hour %d is 0x%s in the 12-hour format', (hour, expected) => {
  expect(clockByte(0x04, hour * 3600, { binary: false, hours24: false })).toBe(expected);
});

test.each([
  ['a second of 60', 0x00, 60],
  ['a minute of 99', 0x02, 99],
  ['an hour of 24', 0x04, 24],
  ['day 0', 0x07, 0],
  ['30 February', 0x07, 30],
  ['month 13', 0x08, 13],
  ['year 100', 0x09, 100],
  ['century 100', 0x32, 100],
])('%s is no date', (_, index, value) => {
  const memory = memoryOf(Date.UTC(2024, 1, 29) / 1000, BINARY);
  expect(readClock(memory, BINARY)).not.toBeNull();
  memory[index] = value;
  expect(readClock(memory, BINARY)).toBeNull();
});

test('digits above nine are no BCD', () => {
  const format = { binary: false, hours24: true };
  const memory = memoryOf(0, format);
  memory[0x00] = 0x1a;
  expect(readClock(memory, format)).toBeNull();
});

test('hour 0 does not exist in the 12-hour format', () => {
  const format = { binary: true, hours24: false };
  const memory = memoryOf(0, format);
  memory[0x04] = 0;
  expect(readClock(memory, format)).toBeNull();
});

describe('next alarm', () => {
  const alarm = (hour: number, minute: number, second: number, time: number) => {
    const memory = new Uint8Array(128);
    [memory[0x05], memory[0x03], memory[0x01]] = [hour, minute, second];
    return nextAlarmTime(memory, BINARY, time);
  };

  test.each([
    [[1, 2, 3], 0, 3723],
    [[1, 2, 3], 3722, 3723],
    [[1, 2, 3], 3723, 3723 + 86_400],
    [[0xff, 2, 3], 3723, 3723 + 3600],
    [[0xff, 0xff, 3], 3723, 3723 + 60],
    [[0xc0, 0xff, 0xff], 3723, 3724],
    [[0xff, 0xff, 0xff], 86_399, 86_400],
    [[0, 0xff, 0xff], 3599, 86_400],
  ])('%p after %d is %d', ([hour = 0, minute = 0, second = 0], time, expected) => {
    expect(alarm(hour, minute, second, time)).toBe(expected);
  });

  test('never comes for a time that does not exist', () => {
    expect(alarm(24, 0, 0, 0)).toBeNull();
    expect(alarm(0, 60, 0, 0)).toBeNull();
    expect(alarm(0, 0, 0x7f, 0)).toBeNull();
  });
});
