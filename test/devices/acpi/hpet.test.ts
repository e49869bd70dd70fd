// SPDX-License-Identifier: BSD-2-Clause
import { Hpet } from '../../../devices/acpi/hpet.js';
import { MemoryBus } from '../../../src/core/memory-bus.js';
import { deviceContract } from '../../contract/device.contract.js';
import { Rig } from '../../support/rig.js';

const BASE = 0xfed00000;
const HERTZ = 1n << 24n;
const GEN_CONF = 0x010;
const GINTR_STA = 0x020;
const MAIN_CNT = 0x0f0;
const ROUTE_24 = 24 << 9;
const LEVEL = 0x2;
const ENABLE = 0x4;
const PERIODIC = 0x8;
const VALUE_SET = 0x40;
const FSB = 0x4000;

const config = (timer: number): number => 0x100 + 0x20 * timer;
const comparator = (timer: number): number => 0x108 + 0x20 * timer;
/** The first nanosecond of a tick. */
const at = (tick: number | bigint): bigint => (BigInt(tick) * 1_000_000_000n + HERTZ - 1n) / HERTZ;

const make = (rig: Rig) =>
  new Hpet('hpet', rig.clock, { pins: Array.from({ length: 8 }, () => rig.line()), msi: rig.msi });

function setup(rig = new Rig()) {
  const hpet = make(rig);
  const bus = new MemoryBus();
  bus.register('hpet', BASE, 0x400, hpet);
  return {
    rig,
    hpet,
    bus,
    read: (offset: number) => bus.read(BASE + offset, 4),
    write: (offset: number, value: number) => bus.write(BASE + offset, 4, value),
    goTo: (tick: number | bigint) => rig.clock.advanceTo(at(tick)),
    edges: (pin: number) => rig.lines[pin - 24]?.risingEdges,
    level: (pin: number) => rig.lines[pin - 24]?.level,
  };
}

deviceContract('HPET', make, {
  operate: (hpet, rig) => {
    hpet.write(config(2), 4, (31 << 9) | LEVEL | ENABLE | PERIODIC | VALUE_SET);
    hpet.write(comparator(2), 4, 1000);
    hpet.write(GEN_CONF, 4, 1);
    rig.clock.advance(1_000_000n);
  },
});

test('says what it is', () => {
  const { bus, read } = setup();
  expect(bus.read64(BASE)).toBe((59_604_645n << 32n) | 0x8086_0701n);
  expect(read(config(7))).toBe(0x8010);
  expect(read(config(7) + 4)).toBe(0xff000000);
  expect(bus.read64(BASE + comparator(0))).toBe(0xffffffffn);
  expect(read(0x300)).toBe(0);
});

test('takes aligned 4 and 8-byte accesses only', () => {
  const { bus, read } = setup();
  bus.write64(BASE + 0x110, 0xfee0_1000_0000_0051n);
  expect(bus.read64(BASE + 0x110)).toBe(0xfee0_1000_0000_0051n);
  bus.write(BASE + 0x110, 1, 0xff);
  bus.write(BASE + 0x112, 4, 0xffffffff);
  bus.write(BASE + 0x110, 2, 0xffff);
  expect(read(0x110)).toBe(0x51);
  expect([bus.read(BASE + 0x110, 1), bus.read(BASE + 0x110, 2), bus.read(BASE + 0x112, 4)]).toEqual([
    0xff, 0xffff, 0xffffffff,
  ]);
});

test('the counter counts while enabled, is writable while it stands, and wraps at 32 bits', () => {
  const { read, write, goTo } = setup();
  goTo(1000);
  expect(read(MAIN_CNT)).toBe(0);
  write(MAIN_CNT, 0xffffff00);
  write(GEN_CONF, 3);
  expect(read(GEN_CONF)).toBe(1); // no legacy replacement
  goTo(1000 + 0x80);
  expect(read(MAIN_CNT)).toBe(0xffffff80);
  write(MAIN_CNT, 0);
  goTo(1000 + 0x110);
  expect(read(MAIN_CNT)).toBe(0x10);
  write(GEN_CONF, 0);
  goTo(5000);
  expect(read(MAIN_CNT)).toBe(0x10);
});

test('a one-shot timer interrupts at its match, and again only after a wrap', () => {
  const { write, goTo, edges } = setup();
  write(GEN_CONF, 1);
  write(config(0), ROUTE_24 | ENABLE);
  goTo(10);
  write(comparator(0), 500);
  goTo(499);
  expect(edges(24)).toBe(0);
  goTo(500);
  expect(edges(24)).toBe(1);
  goTo(499n + (1n << 32n));
  expect(edges(24)).toBe(1);
  goTo(500n + (1n << 32n));
  expect(edges(24)).toBe(2);
});

test('a periodic timer set up as the specification says keeps its phase for a million periods', () => {
  const { read, write, goTo, rig, edges } = setup();
  write(GEN_CONF, 1);
  goTo(77);
  write(config(1), (25 << 9) | ENABLE | PERIODIC | VALUE_SET);
  write(comparator(1), 1077);
  write(comparator(1), 16_777);
  expect(read(config(1))).toBe(0x8010 | (25 << 9) | ENABLE | PERIODIC);
  expect(read(comparator(1))).toBe(1077);
  goTo(1076);
  expect(edges(25)).toBe(0);
  goTo(1077);
  expect([edges(25), read(comparator(1))]).toEqual([1, 1077 + 16_777]);
  goTo(1077 + 16_777 * 1000);
  expect(edges(25)).toBe(1001);
  const late = 1077n + 16_777n * 1_000_000n;
  rig.clock.set(at(late));
  expect(read(comparator(1))).toBe(Number((late + 16_777n) & 0xffffffffn));
  expect(edges(25)).toBe(1002);
  goTo(late + 16_776n);
  expect(edges(25)).toBe(1002);
  goTo(late + 16_777n);
  expect(edges(25)).toBe(1003);
});

test('a level timer holds its line until its status bit is written as one', () => {
  const { read, write, goTo, level } = setup();
  write(GEN_CONF, 1);
  write(config(3), (30 << 9) | LEVEL | ENABLE);
  write(comparator(3), 100);
  goTo(100);
  expect([read(GINTR_STA), level(30)]).toEqual([0x08, true]);
  write(GINTR_STA, 0xf7);
  expect(level(30)).toBe(true);
  write(GINTR_STA, 0x08);
  expect([read(GINTR_STA), level(30)]).toEqual([0, false]);
});

test('a level timer that may not interrupt still sets its status', () => {
  const { rig, read, write, goTo, level } = setup();
  write(GEN_CONF, 1);
  write(config(3), (30 << 9) | LEVEL);
  write(comparator(3), 100);
  expect(rig.clock.nextDeadline()).toBeNull();
  goTo(100);
  expect([read(GINTR_STA), level(30)]).toEqual([0x08, false]);
  write(config(3), (30 << 9) | LEVEL | ENABLE);
  expect(level(30)).toBe(true);
});

test('two timers share a line', () => {
  const { write, goTo, level, edges } = setup();
  write(GEN_CONF, 1);
  for (const timer of [0, 1]) {
    write(config(timer), ROUTE_24 | LEVEL | ENABLE);
    write(comparator(timer), 100);
  }
  goTo(100);
  write(GINTR_STA, 1);
  expect(level(24)).toBe(true);
  write(GINTR_STA, 2);
  expect([level(24), edges(24)]).toEqual([false, 1]);
});

test('FSB delivery sends the message and touches no line', () => {
  const { rig, write, goTo, edges } = setup();
  write(GEN_CONF, 1);
  write(config(0), ROUTE_24 | ENABLE | FSB | LEVEL);
  write(0x114, 0xfee01000);
  write(0x110, 0x4051);
  write(comparator(0), 100);
  goTo(100);
  expect(rig.effects).toEqual([`msi ${0xfee01000} ${0x4051}`]);
  expect(edges(24)).toBe(0);
});

test.each([
  [23, 0],
  [0, 0],
  [24, 24],
  [31, 31],
])('route %d reads back as %d', (route, accepted) => {
  const { read, write } = setup();
  write(config(0), (route << 9) | ENABLE);
  expect(read(config(0))).toBe(0x8010 | (accepted << 9) | ENABLE);
});

test('a timer without a route interrupts nobody', () => {
  const { rig, write, goTo } = setup();
  write(GEN_CONF, 1);
  write(config(0), ENABLE);
  write(comparator(0), 100);
  goTo(200);
  expect(rig.lines.every((line) => line.risingEdges === 0)).toBe(true);
});

test('VAL_SET and the 32-bit mode bit mean nothing to a one-shot timer', () => {
  const { read, write } = setup();
  write(config(0), ENABLE | VALUE_SET | 0x100);
  expect(read(config(0))).toBe(0x8010 | ENABLE);
});

test('a comparator that equals the counter matches at once', () => {
  const { write, goTo, edges } = setup();
  write(GEN_CONF, 1);
  goTo(50);
  write(config(0), ROUTE_24 | ENABLE);
  write(comparator(0), 50);
  expect(edges(24)).toBe(1);
});

test('a stopped counter matches nothing', () => {
  const { rig, write, goTo, edges } = setup();
  write(config(0), ROUTE_24 | ENABLE);
  write(comparator(0), 100);
  write(GEN_CONF, 1);
  goTo(50);
  write(GEN_CONF, 0);
  expect(rig.clock.nextDeadline()).toBeNull();
  goTo(1000);
  expect(edges(24)).toBe(0);
  write(GEN_CONF, 1);
  goTo(1050);
  expect(edges(24)).toBe(1);
});

test('a restore goes on at the same ticks, with the counter and the levels it had', () => {
  const first = setup();
  first.write(GEN_CONF, 1);
  first.write(config(0), ROUTE_24 | ENABLE | PERIODIC | VALUE_SET);
  first.write(comparator(0), 1000);
  first.write(config(1), (25 << 9) | LEVEL | ENABLE);
  first.write(comparator(1), 500);
  first.goTo(1500);
  const second = setup(new Rig(first.rig.clock.now()));
  second.hpet.deserialize(first.hpet.serialize());
  expect([second.edges(24), second.level(25)]).toEqual([0, true]);
  expect(second.read(MAIN_CNT)).toBe(1500);
  second.goTo(1999);
  expect(second.edges(24)).toBe(0);
  second.goTo(2000);
  expect(second.edges(24)).toBe(1);
});

test('it wants the lines of pins 24 to 31', () => {
  const rig = new Rig();
  expect(() => new Hpet('hpet', rig.clock, { pins: [rig.line()], msi: rig.msi })).toThrow(
    'hpet: 1 pins: expected 8, for I/O APIC pins 24 to 31',
  );
});
