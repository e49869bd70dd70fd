// SPDX-License-Identifier: BSD-2-Clause
import { RtcMc146818 } from '../../../devices/isa/rtc-mc146818.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { Rig } from '../../support/rig.js';

const MS = 1_000_000n;
const SECOND = 1000n * MS;
const POWER_ON = BigInt(Date.UTC(2013, 11, 31, 23, 59, 58) / 1000); // a Tuesday

const A = 0x0a;
const B = 0x0b;
const C = 0x0c;
const CLOCK = [0x04, 0x02, 0x00, 0x06, 0x07, 0x08, 0x09, 0x32];

const make = (rig: Rig) =>
  new RtcMc146818('rtc', rig.clock, rig.line(), { powerOnTime: POWER_ON, cmos: [{ index: 0x34, value: 0x77 }] });

function setup(rig = new Rig()) {
  const rtc = make(rig);
  const driver = new GuestDriver().attach('rtc', 0x70, 2, rtc.ports);
  const read = (index: number) => {
    driver.out(0x70, index);
    return driver.in(0x71);
  };
  const write = (index: number, value: number) => {
    driver.out(0x70, index);
    driver.out(0x71, value);
  };
  const writeAll = (values: Readonly<Record<number, number>>) => {
    for (const [index, value] of Object.entries(values)) write(Number(index), value);
  };
  const show = () => CLOCK.map((index) => read(index).toString(16).padStart(2, '0')).join(' ');
  return {
    rig,
    rtc,
    driver,
    read,
    write,
    writeAll,
    show,
    line: rig.lines[0],
    advance: (ns: bigint) => rig.clock.advance(ns),
  };
}

deviceContract('MC146818', make, {
  operate: (rtc, rig) => {
    const write = (index: number, value: number) => rtc.ports.write(0, 2, (value << 8) | index);
    write(0x40, 0x5a);
    write(0x01, 0xff);
    write(0x03, 0xff);
    write(0x05, 0xff);
    write(B, 0x72);
    rig.clock.advance(2500n * MS);
    write(0x8f, 0x01);
  },
});

test('the time of day is the base plus VM time', () => {
  const { show, advance } = setup();
  expect(show()).toBe('23 59 58 03 31 12 13 20');
  advance(SECOND - 1n);
  expect(show()).toBe('23 59 58 03 31 12 13 20');
  advance(1n);
  expect(show()).toBe('23 59 59 03 31 12 13 20');
  advance(SECOND);
  expect(show()).toBe('00 00 00 04 01 01 14 20');
  advance(86_400n * 365n * SECOND);
  expect(show()).toBe('00 00 00 05 01 01 15 20');
});

test('memory keeps what is written; the index has seven bits and port 0x70 does not read', () => {
  const { driver, read, write, rtc } = setup();
  expect(read(0x34)).toBe(0x77);
  write(0x80 | 0x5b, 0xa5);
  expect(rtc.nmiDisabled).toBe(true);
  expect(read(0x5b)).toBe(0xa5);
  expect(rtc.nmiDisabled).toBe(false);
  expect(driver.in(0x70)).toBe(0xff);
  expect(read(0x7f)).toBe(0);
});

test('registers A to D after power-on', () => {
  const { read, write } = setup();
  expect([A, B, C, 0x0d].map(read)).toEqual([0x26, 0x02, 0x00, 0x80]);
  write(C, 0xff);
  write(0x0d, 0x00);
  expect([C, 0x0d].map(read)).toEqual([0x00, 0x80]);
});

test('UIP warns 244 microseconds before an update', () => {
  const { read, write, advance } = setup();
  advance(SECOND - 245_000n);
  expect(read(A) & 0x80).toBe(0);
  advance(1_000n);
  expect(read(A)).toBe(0xa6);
  write(A, 0x26);
  expect(read(A)).toBe(0xa6);
  advance(244_000n);
  expect(read(A)).toBe(0x26);
});

test('binary and 12-hour formats', () => {
  const { show, write, writeAll, advance } = setup();
  write(B, 0x80);
  write(B, 0x84);
  writeAll({ 4: 0x8c, 2: 30, 0: 10, 7: 9, 8: 11, 9: 99, 50: 19 });
  write(B, 0x04);
  expect(show()).toBe('8c 1e 0a 03 09 0b 63 13');
  advance(12n * 3600n * SECOND);
  expect(show()).toBe('0c 1e 0a 04 0a 0b 63 13');
});

test('setting the time as Linux does: SET, divider reset, write, release; the first update is half a second later', () => {
  const { show, write, writeAll, advance } = setup();
  advance(300n * MS);
  write(B, 0x82);
  write(A, 0x76);
  writeAll({ 4: 0x12, 2: 0x34, 0: 0x56, 7: 0x02, 8: 0x01 });
  advance(5n * SECOND);
  expect(show()).toBe('12 34 56 03 02 01 13 20');
  write(B, 0x02);
  advance(5n * SECOND);
  expect(show()).toBe('12 34 56 03 02 01 13 20');
  write(A, 0x26);
  advance(499n * MS);
  expect(show()).toBe('12 34 56 04 02 01 13 20');
  advance(1n * MS);
  expect(show()).toBe('12 34 57 04 02 01 13 20');
});

test('SET holds the clock and drops UIE; releasing it keeps the phase of the seconds', () => {
  const { read, write, advance, show } = setup();
  write(B, 0x12);
  advance(300n * MS);
  write(B, 0x92);
  expect(read(B)).toBe(0x82);
  advance(3n * SECOND);
  expect(read(0x00)).toBe(0x58);
  expect(read(A) & 0x80).toBe(0);
  write(B, 0x02);
  advance(699n * MS);
  expect(read(0x00)).toBe(0x58);
  advance(1n * MS);
  expect(show()).toBe('23 59 59 03 31 12 13 20');
});

test('a date that does not exist stops the clock until it is mended', () => {
  const { read, write, advance, show } = setup();
  write(0x08, 0x02); // 31 February
  advance(5n * SECOND);
  expect(read(0x00)).toBe(0x58);
  write(0x07, 0x28);
  expect(show()).toBe('23 59 58 05 28 02 13 20');
  advance(2n * SECOND);
  expect(show()).toBe('00 00 00 06 01 03 13 20');
});

describe('IRQ 8', () => {
  test('update interrupts, once a second, held until register C is read', () => {
    const { read, write, advance, line } = setup();
    write(B, 0x12);
    advance(SECOND - 1n);
    expect(line?.level).toBe(false);
    advance(1n);
    expect(line?.level).toBe(true);
    advance(5n * SECOND);
    expect(line?.risingEdges).toBe(1);
    expect(read(C)).toBe(0xf0); // PF is up too, and AF since midnight, though they do not interrupt
    expect(line?.level).toBe(false);
    expect(read(C)).toBe(0);
    advance(SECOND);
    expect(line?.risingEdges).toBe(2);
  });

  test('flags go up without their enables, and enabling one that is up interrupts', () => {
    const { read, write, advance, line } = setup();
    advance(SECOND);
    expect(line?.level).toBe(false);
    write(B, 0x12);
    expect(line?.level).toBe(true);
    expect(read(C) & 0x90).toBe(0x90);
  });

  test.each([
    [1, 256],
    [2, 128],
    [3, 8192],
    [6, 1024],
    [15, 2],
  ])('periodic rate %d gives %d interrupts a second', (rate, perSecond) => {
    const { rig, read, write, advance } = setup();
    write(A, 0x20 | rate);
    write(B, 0x42);
    let count = 0;
    for (let next = rig.clock.nextDeadline(); next !== null && next <= SECOND; next = rig.clock.nextDeadline()) {
      advance(next - rig.clock.now());
      expect(read(C) & 0xc0).toBe(0xc0);
      count++;
    }
    expect(count).toBe(perSecond);
  });

  test('rate 0 and a held divider give no periodic interrupt', () => {
    const { read, write, advance } = setup();
    for (const value of [0x20, 0x76]) {
      write(A, value);
      read(C);
      write(B, 0x42);
      advance(SECOND);
      expect(read(C) & 0x40).toBe(0);
    }
  });

  test('the alarm comes at its time and, with wildcards, every minute', () => {
    const { rtc, read, write, writeAll, advance, line } = setup();
    writeAll({ 5: 0xff, 3: 0xff, 1: 0x05 });
    write(B, 0x22);
    advance(7n * SECOND - 1n);
    expect(line?.level).toBe(false);
    advance(1n);
    expect(line?.level).toBe(true);
    expect(read(C) & 0xa0).toBe(0xa0);
    advance(60n * SECOND);
    expect(read(C) & 0xa0).toBe(0xa0);
    expect(line?.risingEdges).toBe(2);
    expect(rtc.serialize().fields.flags).toBe(0);
  });

  test('nobody wakes up for interrupts that are off or already pending', () => {
    const { rig, write, advance } = setup();
    expect(rig.clock.nextDeadline()).toBeNull();
    write(B, 0x42);
    expect(rig.clock.nextDeadline()).not.toBeNull();
    advance(SECOND);
    expect(rig.clock.nextDeadline()).toBeNull();
  });

  test('a late machine gives one interrupt', () => {
    const { rig, read, write, line } = setup();
    write(B, 0x42);
    rig.clock.set(10n * SECOND);
    expect(read(C)).toBe(0xf0);
    expect(line?.risingEdges).toBe(1);
    expect(line?.level).toBe(false);
  });
});

test('a reset drops enables and flags; clock and memory go on', () => {
  const { rtc, read, write, advance, line, show } = setup();
  write(0x40, 0x5a);
  write(B, 0x7e);
  write(B, 0x7a);
  advance(SECOND);
  expect(line?.level).toBe(true);
  rtc.reset();
  expect(line?.level).toBe(false);
  expect([read(B), read(C), read(0x40)]).toEqual([0x02, 0, 0x5a]);
  expect(show()).toBe('23 59 59 03 31 12 13 20');
});

test('a restored clock goes on with VM time, and its interrupts too', () => {
  const first = setup();
  first.write(B, 0x12);
  first.advance(400n * MS);
  const second = setup(new Rig(first.rig.clock.now()));
  second.rtc.deserialize(first.rtc.serialize());
  second.advance(600n * MS);
  expect(second.line?.level).toBe(true);
  expect(second.show()).toBe('23 59 59 03 31 12 13 20');
});

test('a power-on time outside the calendar is refused', () => {
  const rig = new Rig();
  expect(() => new RtcMc146818('rtc', rig.clock, rig.line(), { powerOnTime: 253_402_300_800n })).toThrow(
    'rtc: power-on time 253402300800: expected -62167219200 to 253402300799 seconds',
  );
});

describe('time that passes outside', () => {
  const HOUR = 3600n * SECOND;
  const DAY = 24n * HOUR;

  test('moves the calendar over midnight, leap days and the century, and the second keeps its fraction', () => {
    const { rtc, show, advance } = setup();
    advance(300n * MS);
    rtc.advance(HOUR);
    expect(show()).toBe('00 59 58 04 01 01 14 20');
    rtc.advance(2n * SECOND + 699n * MS);
    expect(show()).toBe('01 00 00 04 01 01 14 20');
    advance(1n * MS);
    expect(show()).toBe('01 00 01 04 01 01 14 20');
    rtc.advance((365n + 365n + 31n + 28n) * DAY); // 2014, 2015, and January and February of 2016
    expect(show()).toBe('01 00 01 02 29 02 16 20');
    rtc.advance(BigInt(Date.UTC(2100, 1, 28, 1, 0, 1) - Date.UTC(2016, 1, 29, 1, 0, 1)) * MS);
    expect(show()).toBe('01 00 01 01 28 02 00 21');
    rtc.advance(DAY);
    expect(show()).toBe('01 00 01 02 01 03 00 21'); // 2100 is no leap year
  });

  test('in binary and 12 hours, too', () => {
    const { rtc, show, write, writeAll } = setup();
    write(B, 0x84);
    writeAll({ 4: 11, 2: 30, 0: 10, 7: 9, 8: 11, 9: 99, 50: 19 });
    write(B, 0x04);
    rtc.advance(HOUR);
    expect(show()).toBe('8c 1e 0a 03 09 0b 63 13');
  });

  test('does not touch VM time or the phase of periodic interrupts', () => {
    const [left, moved] = [setup(), setup()];
    const seen = [left, moved].map(({ rtc, rig, read, write, advance }) => {
      write(A, 0x2f); // 2 a second
      write(B, 0x42);
      advance(100n * MS);
      read(C);
      if (rtc === moved.rtc) rtc.advance(HOUR + 333n * MS);
      return [rig.clock.now(), rig.clock.nextDeadline()];
    });
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[1]).toEqual([100n * MS, 500n * MS]);
  });

  test('UIP comes before the next update of the moved clock', () => {
    const { rtc, read, advance } = setup();
    rtc.advance(HOUR + 600n * MS);
    advance(400n * MS - 245_000n);
    expect(read(A) & 0x80).toBe(0);
    advance(1_000n);
    expect(read(A) & 0x80).toBe(0x80);
    advance(244_000n);
    expect([read(A) & 0x80, read(0)]).toEqual([0, 0x59]);
  });

  test('an alarm that lay in it comes at once, a later one at its time', () => {
    for (const [minute, due] of [
      [0x30, true],
      [0x00, false],
    ] as const) {
      const { rtc, read, write, writeAll, line, advance } = setup();
      writeAll({ 5: 0x01, 3: minute, 1: 0x00 }); // 01:00 or 01:30
      write(B, 0x22);
      rtc.advance(HOUR);
      expect(line?.level).toBe(false);
      if (due) {
        rtc.advance(HOUR);
        expect([line?.level, read(C) & 0x20]).toEqual([true, 0x20]);
      } else {
        advance(2n * SECOND - 1n);
        expect(line?.level).toBe(false);
        advance(1n);
        expect([line?.level, line?.risingEdges]).toEqual([true, 1]);
      }
    }
  });

  test('a clock that stands still does not move, and no time does nothing', () => {
    const { rtc, show, write } = setup();
    const before = rtc.serialize();
    rtc.advance(0n);
    expect(rtc.serialize()).toEqual(before);
    write(B, 0x82); // SET
    rtc.advance(HOUR);
    write(B, 0x02);
    expect(show()).toBe('23 59 58 03 31 12 13 20');
  });

  test('the calendar ends with the year 9999', () => {
    const { rtc } = setup();
    for (let century = 20; century < 120; century += 1) rtc.advance(36_525n * DAY);
    expect(rtc.serialize().fields.time).toBe(253_402_300_799n);
  });
});
