// SPDX-License-Identifier: BSD-2-Clause
import { Nmisc } from '../../../devices/isa/nmisc.js';
import { Pit8254 } from '../../../devices/isa/pit8254.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { Rig } from '../../support/rig.js';

const HERTZ = 1_193_182n;
const CONTROL = 0x43;
const NMISC = 0x61;
const LATCH_2 = 0x80;
const STATUS_2 = 0xe8;

/** The first nanosecond of a tick. */
const at = (tick: number | bigint): bigint => (BigInt(tick) * 1_000_000_000n + HERTZ - 1n) / HERTZ;

function setup(rig = new Rig()) {
  const pit = new Pit8254('pit', rig.clock, rig.line());
  const nmisc = new Nmisc('nmisc', rig.clock, pit);
  const driver = new GuestDriver().attach('pit', 0x40, 4, pit.ports).attach('nmisc', NMISC, 1, nmisc.port);
  const line = rig.lines[0];
  return {
    rig,
    pit,
    driver,
    goTo: (tick: number | bigint) => rig.clock.advanceTo(at(tick)),
    edges: () => line?.risingEdges,
    gate: (level: boolean) => driver.out(NMISC, level ? 1 : 0),
    output: () => (driver.in(NMISC) & 0x20) !== 0,
    program: (counter: number, mode: number, count: number, bcd = 0) => {
      driver.out(CONTROL, (counter << 6) | 0x30 | (mode << 1) | bcd);
      driver.out(0x40 + counter, count & 0xff);
      driver.out(0x40 + counter, count >> 8);
    },
    count: () => {
      driver.out(CONTROL, LATCH_2);
      return driver.in(0x42) | (driver.in(0x42) << 8);
    },
    status: () => {
      driver.out(CONTROL, STATUS_2);
      return driver.in(0x42);
    },
  };
}

deviceContract('8254', (rig) => new Pit8254('pit', rig.clock, rig.line()), {
  operate: (pit, rig) => {
    const driver = new GuestDriver().attach('pit', 0x40, 4, pit.ports);
    driver.out(CONTROL, 0x34);
    driver.out(0x40, 0xa9);
    driver.out(0x40, 0x04);
    rig.clock.advance(3_500_000n);
    driver.out(CONTROL, 0xc2);
    driver.out(CONTROL, 0xb0);
    driver.out(0x42, 0x12);
  },
});

describe('counting modes of counter 2', () => {
  test('mode 0: OUT rises N + 1 ticks after the write, and the count runs on', () => {
    const { gate, program, goTo, count, output } = setup();
    gate(true);
    program(2, 0, 100);
    expect(output()).toBe(false);
    goTo(1);
    expect(count()).toBe(100);
    goTo(100);
    expect([count(), output()]).toEqual([1, false]);
    goTo(101);
    expect([count(), output()]).toEqual([0, true]);
    goTo(102);
    expect([count(), output()]).toEqual([0xffff, true]);
  });

  test('mode 0: GATE stops the count, and the first byte of a new count drops OUT', () => {
    const { driver, gate, program, goTo, count, output } = setup();
    program(2, 0, 100);
    goTo(50);
    expect(count()).toBe(100);
    gate(true);
    goTo(90);
    gate(false);
    goTo(500);
    expect(count()).toBe(60);
    gate(true);
    goTo(560);
    expect([count(), output()]).toEqual([0, true]);
    driver.out(0x42, 5);
    expect(output()).toBe(false);
    goTo(1000);
    expect(output()).toBe(false);
    driver.out(0x42, 0);
    goTo(1006);
    expect(output()).toBe(true);
  });

  test('mode 1: a rise of GATE starts a low pulse of N ticks, and again', () => {
    const { gate, program, goTo, output } = setup();
    program(2, 1, 10);
    goTo(50);
    expect(output()).toBe(true);
    gate(true);
    expect(output()).toBe(true);
    goTo(51);
    expect(output()).toBe(false);
    goTo(55);
    gate(false);
    gate(true);
    goTo(65);
    expect(output()).toBe(false);
    goTo(66);
    expect(output()).toBe(true);
  });

  test('mode 2: OUT is low in the last tick of each period', () => {
    const { gate, program, goTo, count, output } = setup();
    gate(true);
    program(2, 2, 5);
    const [counts, levels]: [number[], boolean[]] = [[], []];
    for (let tick = 1; tick <= 7; tick++) {
      goTo(tick);
      counts.push(count());
      levels.push(output());
    }
    expect(counts).toEqual([5, 4, 3, 2, 1, 5, 4]);
    expect(levels).toEqual([true, true, true, true, false, true, true]);
  });

  test('mode 2: a new count waits for the end of the period; GATE restarts', () => {
    const { gate, program, driver, goTo, count, output, status } = setup();
    gate(true);
    program(2, 2, 5);
    goTo(3);
    driver.out(0x42, 8);
    driver.out(0x42, 0);
    expect(status() & 0x40).toBe(0x40); // NULL COUNT
    goTo(5);
    expect(count()).toBe(1);
    goTo(6);
    expect([count(), status() & 0x40]).toEqual([8, 0]);
    goTo(13);
    expect(output()).toBe(false);
    gate(false);
    expect(output()).toBe(true);
    goTo(100);
    gate(true);
    goTo(101);
    expect(count()).toBe(8);
  });

  test.each([
    [4, [4, 2, 4, 2, 4], [true, true, false, false, true]],
    [5, [4, 2, 0, 4, 2, 4], [true, true, true, false, false, true]],
  ])('mode 3 with count %d', (n, counts, levels) => {
    const { gate, program, goTo, count, output } = setup();
    gate(true);
    program(2, 3, n);
    for (const [index, expected] of counts.entries()) {
      goTo(index + 1);
      expect({ index, count: count(), level: output() }).toEqual({ index, count: expected, level: levels[index] });
    }
  });

  test('mode 3: a new count begins with the next half period', () => {
    const { gate, program, driver, goTo, output } = setup();
    gate(true);
    program(2, 3, 10); // high from 1, low from 6
    goTo(3);
    driver.out(0x42, 4);
    driver.out(0x42, 0);
    const levels = [5, 6, 7, 8, 9, 10].map((tick) => {
      goTo(tick);
      return output();
    });
    expect(levels).toEqual([true, false, false, true, true, false]);
  });

  test.each([
    [4, false],
    [5, true],
  ])('mode %d: one low tick, N + 1 ticks after its trigger', (mode, hardware) => {
    const { gate, program, goTo, output } = setup();
    if (!hardware) gate(true);
    program(2, mode, 10);
    if (hardware) {
      goTo(100);
      gate(true);
    }
    const trigger = hardware ? 100 : 0;
    const levels = [10, 11, 12, 0x10000 + 11].map((tick) => {
      goTo(trigger + tick);
      return output();
    });
    expect(levels).toEqual([true, false, true, true]);
  });

  test('BCD counts in decades, and zero is 10000', () => {
    const { gate, program, goTo, count } = setup();
    gate(true);
    program(2, 0, 0x1000, 1);
    goTo(2);
    expect(count()).toBe(0x0999);
    goTo(1002);
    expect(count()).toBe(0x9999);
    program(2, 2, 0, 1);
    goTo(1004);
    expect(count()).toBe(0x9999);
  });
});

describe('access', () => {
  test('a latched count stays until it is read; a second latch does not move it', () => {
    const { gate, program, driver, goTo } = setup();
    gate(true);
    program(2, 0, 0x1234);
    goTo(1);
    driver.out(CONTROL, LATCH_2);
    goTo(0x100);
    driver.out(CONTROL, LATCH_2);
    expect([driver.in(0x42), driver.in(0x42)]).toEqual([0x34, 0x12]);
    expect(driver.in(0x42)).toBe(0x35); // 0x1135 by now
  });

  test('one-byte access carries one byte, and zero in the other', () => {
    const { gate, driver, goTo } = setup();
    gate(true);
    driver.out(CONTROL, 0x90); // counter 2, low byte, mode 0
    driver.out(0x42, 0x20);
    goTo(1);
    expect([driver.in(0x42), driver.in(0x42)]).toEqual([0x20, 0x20]);
    driver.out(CONTROL, 0xa0); // high byte
    driver.out(0x42, 0x20);
    goTo(2);
    expect([driver.in(0x42), driver.in(0x42)]).toEqual([0x20, 0x20]);
  });

  test('read-back latches status and count of several counters, status first', () => {
    const { gate, program, driver, goTo } = setup();
    gate(true);
    program(0, 2, 1000);
    program(2, 3, 0x4321, 0);
    goTo(1);
    driver.out(CONTROL, 0xca);
    goTo(900);
    expect([driver.in(0x40), driver.in(0x40), driver.in(0x40)]).toEqual([0xb4, 0xe8, 0x03]);
    expect([driver.in(0x42), driver.in(0x42), driver.in(0x42)]).toEqual([0xb6, 0x20, 0x43]);
  });

  test('the status byte shows the control word, and a control word empties the latches', () => {
    const { driver, status } = setup();
    driver.out(CONTROL, 0x9b); // counter 2, low byte, mode 5, BCD
    expect(status()).toBe(0x80 | 0x40 | 0x1b);
    driver.out(CONTROL, STATUS_2);
    driver.out(CONTROL, 0xbe); // mode 7 is mode 3
    driver.out(CONTROL, 0xd8); // count only
    driver.in(0x42);
    driver.in(0x42);
    expect(status()).toBe(0x80 | 0x40 | 0x36);
  });

  test('the control port does not read', () => {
    expect(setup().driver.in(CONTROL)).toBe(0xff);
  });
});

describe('IRQ 0', () => {
  test('mode 2 at 1 kHz gives exactly the edges of its divisor, for five minutes', () => {
    const { program, edges, goTo } = setup();
    program(0, 2, 1193);
    goTo(1193);
    expect(edges()).toBe(0);
    goTo(1194);
    expect(edges()).toBe(1);
    goTo(300n * HERTZ);
    expect(edges()).toBe(Math.floor((300 * Number(HERTZ) - 1) / 1193));
  });

  test('mode 3 interrupts once a period', () => {
    const { program, edges, goTo } = setup();
    program(0, 3, 0);
    goTo(1 + 65536 * 5);
    expect(edges()).toBe(5);
  });

  test('mode 0 interrupts once, and again after a new count', () => {
    const { program, driver, edges, goTo } = setup();
    program(0, 0, 500);
    goTo(500);
    expect(edges()).toBe(0);
    goTo(100_000);
    expect(edges()).toBe(1);
    driver.out(0x40, 10);
    driver.out(0x40, 0);
    goTo(100_011);
    expect(edges()).toBe(2);
  });

  test('mode 4 interrupts at the end of its strobe', () => {
    const { program, edges, goTo } = setup();
    program(0, 4, 500);
    goTo(501);
    expect(edges()).toBe(0);
    goTo(502);
    expect(edges()).toBe(1);
  });

  test.each([2, 3])('mode %d takes a new count without losing or adding an edge', (mode) => {
    const { program, driver, edges, goTo } = setup();
    program(0, mode, 1000);
    goTo(1500);
    driver.out(0x40, 0xd0);
    driver.out(0x40, 0x07); // 2000
    expect(edges()).toBe(1);
    // Mode 2 loads at 2001. Mode 3 has its next half at 1501, and counts 1000 ticks of low there.
    const next = mode === 2 ? 2001 : 2501;
    goTo(next - 1);
    expect(edges()).toBe(1);
    goTo(next);
    expect(edges()).toBe(2);
    goTo(next + 2000);
    expect(edges()).toBe(3);
  });

  test('a late machine gives one edge and keeps the phase', () => {
    const { rig, program, driver, edges, goTo } = setup();
    program(0, 2, 1000);
    rig.clock.set(at(10_500));
    driver.in(0x40);
    expect(edges()).toBe(1);
    goTo(11_000);
    expect(edges()).toBe(1);
    goTo(11_001);
    expect(edges()).toBe(2);
  });

  test('accesses on the way change nothing', () => {
    const quiet = setup();
    const busy = setup();
    for (const { program } of [quiet, busy]) program(0, 2, 777);
    for (let tick = 10; tick < 50_000; tick += 13) {
      busy.goTo(tick);
      busy.driver.out(CONTROL, 0x00);
      busy.driver.in(0x40);
      busy.driver.in(0x40);
    }
    for (const { goTo } of [quiet, busy]) goTo(50_000);
    expect(busy.edges()).toBe(quiet.edges());
    expect(busy.pit.serialize()).toEqual(quiet.pit.serialize());
  });

  test('a restore goes on with the same edges, even one that was due', () => {
    const first = setup();
    first.program(0, 2, 1000);
    first.goTo(2500);
    first.rig.clock.set(at(3001));
    const second = setup(new Rig(first.rig.clock.now()));
    second.pit.deserialize(first.pit.serialize());
    expect(second.edges()).toBe(0);
    second.goTo(3001);
    expect(second.edges()).toBe(1);
    second.goTo(5001);
    expect(second.edges()).toBe(3);
  });

  test('a reset silences it', () => {
    const { pit, program, edges, goTo } = setup();
    program(0, 2, 1000);
    pit.reset();
    goTo(10_000);
    expect(edges()).toBe(0);
  });

  test.each([
    [2, 1],
    [3, 1],
  ])('mode %d with the illegal count %d does nothing', (mode, n) => {
    const { program, edges, goTo } = setup();
    program(0, mode, n);
    goTo(1000);
    expect(edges()).toBe(0);
  });
});
