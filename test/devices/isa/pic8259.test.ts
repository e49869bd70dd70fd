// SPDX-License-Identifier: BSD-2-Clause
import { Pic8259 } from '../../../devices/isa/pic8259.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { Rig } from '../../support/rig.js';

const MASTER = 0x20;
const SLAVE = 0xa0;
const EOI = 0x20;

interface Icw4 {
  master?: number;
  slave?: number;
}

/** Vectors 0x30-0x37 and 0x70-0x77, everything unmasked. */
function initialise(driver: GuestDriver, icw4: Icw4 = {}): void {
  for (const [port, base, icw3, last] of [
    [MASTER, 0x30, 0x04, icw4.master ?? 0x01],
    [SLAVE, 0x70, 0x02, icw4.slave ?? 0x01],
  ] as const) {
    driver.out(port, 0x11);
    driver.out(port + 1, base);
    driver.out(port + 1, icw3);
    driver.out(port + 1, last);
    driver.out(port + 1, 0x00);
  }
}

function attach(pic: Pic8259): GuestDriver {
  return new GuestDriver()
    .attach('master', MASTER, 2, pic.master)
    .attach('slave', SLAVE, 2, pic.slave)
    .attach('elcr', 0x4d0, 2, pic.elcr);
}

function setup(icw4: Icw4 = {}) {
  const rig = new Rig();
  const pic = new Pic8259('pic', rig.line());
  const driver = attach(pic);
  initialise(driver, icw4);
  const intr = () => rig.lines[0]?.level;
  const pulse = (irq: number) => {
    pic.pin(irq).set(true);
    pic.pin(irq).set(false);
  };
  const status = (port: number, ocw3: number) => {
    driver.out(port, ocw3);
    return driver.in(port);
  };
  const irr = (port = MASTER) => status(port, 0x0a);
  const isr = (port = MASTER) => status(port, 0x0b);
  return { rig, pic, driver, intr, pulse, irr, isr };
}

deviceContract('8259 pair', (rig) => new Pic8259('pic', rig.line()), {
  operate: (pic) => {
    const driver = attach(pic);
    initialise(driver);
    driver.out(0x4d1, 0x0c);
    pic.pin(3).set(true);
    pic.acknowledge();
    pic.pin(11).set(true);
  },
});

test('is probed through its mask before anybody initialises it', () => {
  const driver = attach(new Pic8259('pic', new Rig().line()));
  driver.out(0x21, 0xfb);
  expect(driver.in(0x21)).toBe(0xfb);
});

test('gives no interrupt until the last initialisation word', () => {
  const rig = new Rig();
  const pic = new Pic8259('pic', rig.line());
  const driver = attach(pic);
  pic.pin(1).set(true);
  driver.out(0x20, 0x11);
  driver.out(0x21, 0x30);
  driver.out(0x21, 0x04);
  pic.pin(4).set(true);
  expect(rig.lines[0]?.level).toBe(false);
  driver.out(0x21, 0x01);
  expect(rig.lines[0]?.level).toBe(true);
  expect(pic.acknowledge()).toBe(0x34); // the edge of IRQ 1 was before ICW1, which forgets edges
});

test('single mode skips ICW3, and without IC4 there is no ICW4', () => {
  const { driver, pic, pulse } = setup();
  driver.out(0x20, 0x12);
  driver.out(0x21, 0x47); // the low three bits belong to the pin
  driver.out(0x21, 0xf0);
  expect(driver.in(0x21)).toBe(0xf0);
  pulse(2 + 1);
  expect(pic.acknowledge()).toBe(0x43);
});

test('an edge is latched, served once, and blocks lower inputs until EOI', () => {
  const { pic, driver, intr, pulse, irr, isr } = setup();
  pulse(4);
  expect(irr()).toBe(0x10);
  expect(pic.acknowledge()).toBe(0x34);
  expect([irr(), isr(), intr()]).toEqual([0, 0x10, false]);
  pulse(5);
  expect(intr()).toBe(false);
  pulse(0);
  expect(intr()).toBe(true);
  expect(pic.acknowledge()).toBe(0x30);
  expect(isr()).toBe(0x11);
  driver.out(MASTER, EOI);
  expect(isr()).toBe(0x10);
  driver.out(MASTER, EOI);
  expect([isr(), intr()]).toEqual([0, true]);
  expect(pic.acknowledge()).toBe(0x35);
});

test('the mask holds a request back and does not lose it', () => {
  const { pic, driver, intr, pulse } = setup();
  driver.out(MASTER + 1, 0x02);
  pulse(1);
  expect(intr()).toBe(false);
  driver.out(MASTER + 1, 0x00);
  expect(intr()).toBe(true);
  expect(pic.acknowledge()).toBe(0x31);
});

test('a line held high gives one edge', () => {
  const { pic, driver, intr } = setup();
  pic.pin(6).set(true);
  pic.pin(6).set(true);
  expect(pic.acknowledge()).toBe(0x36);
  driver.out(MASTER, EOI);
  expect(intr()).toBe(false);
});

test('a slave interrupt needs an EOI to each chip', () => {
  const { pic, driver, intr, pulse, isr } = setup();
  pulse(12);
  expect(pic.acknowledge()).toBe(0x74);
  expect([isr(MASTER), isr(SLAVE)]).toEqual([0x04, 0x10]);
  pulse(14);
  driver.out(SLAVE, EOI);
  expect(intr()).toBe(false); // the master still serves its cascade input
  driver.out(MASTER, EOI);
  expect(intr()).toBe(true);
  expect(pic.acknowledge()).toBe(0x76);
});

test('ELCR makes inputs level sensitive, where the hardware allows it', () => {
  const { pic, driver, intr, irr } = setup();
  driver.out(0x4d0, 0xffff, 2);
  expect([driver.in(0x4d0), driver.in(0x4d1)]).toEqual([0xf8, 0xde]);
  pic.pin(5).set(true);
  expect(pic.acknowledge()).toBe(0x35);
  driver.out(MASTER, EOI);
  expect(intr()).toBe(true);
  pic.pin(5).set(false);
  expect([intr(), irr()]).toEqual([false, 0]);
});

test('a level that goes away leaves a spurious interrupt without ISR', () => {
  const { pic, driver, isr, intr } = setup();
  driver.out(0x4d0, 0x20);
  pic.pin(5).set(true);
  pic.pin(5).set(false);
  expect(pic.acknowledge()).toBe(0x37);
  expect([isr(), intr()]).toEqual([0, false]);
});

test('on the slave it is IRQ 15, and the master serves its cascade', () => {
  const { pic, driver, isr } = setup();
  driver.out(0x4d1, 0x08);
  pic.pin(11).set(true);
  pic.pin(11).set(false);
  expect(pic.acknowledge()).toBe(0x77);
  expect([isr(MASTER), isr(SLAVE)]).toEqual([0x04, 0]);
});

test('automatic EOI leaves nothing in service', () => {
  const { pic, intr, pulse, isr } = setup({ master: 0x03 });
  pulse(3);
  pulse(7);
  expect(pic.acknowledge()).toBe(0x33);
  expect([isr(), intr()]).toEqual([0, true]);
  expect(pic.acknowledge()).toBe(0x37);
});

test('automatic EOI can rotate: equals take turns', () => {
  const { pic, driver, pulse } = setup({ master: 0x03 });
  driver.out(MASTER, 0x80);
  for (const irq of [3, 4]) pulse(irq);
  expect(pic.acknowledge()).toBe(0x33);
  pulse(3);
  expect(pic.acknowledge()).toBe(0x34);
  driver.out(MASTER, 0x00);
  for (const irq of [6, 5]) pulse(irq);
  expect([pic.acknowledge(), pic.acknowledge(), pic.acknowledge()]).toEqual([0x35, 0x36, 0x33]);
});

test('rotating EOI puts the input served last; specific EOI names its own', () => {
  const { pic, driver, pulse, isr } = setup();
  pulse(4);
  pic.acknowledge();
  driver.out(MASTER, 0xa0);
  pulse(4);
  pulse(5);
  expect(pic.acknowledge()).toBe(0x35);
  driver.out(MASTER, 0x65);
  expect(isr()).toBe(0);
  expect(pic.acknowledge()).toBe(0x34);
  driver.out(MASTER, 0xe4);
  expect(isr()).toBe(0);
});

test('set priority chooses the lowest input', () => {
  const { pic, driver, pulse } = setup();
  driver.out(MASTER, 0xc5);
  pulse(0);
  pulse(6);
  expect(pic.acknowledge()).toBe(0x36);
});

test('special mask mode lets lower inputs through, and a non-specific EOI passes over masked ones', () => {
  const { pic, driver, intr, pulse, isr } = setup();
  pulse(3);
  pic.acknowledge();
  pulse(6);
  expect(intr()).toBe(false);
  driver.out(MASTER, 0x68);
  driver.out(MASTER + 1, 0x08);
  expect(intr()).toBe(true);
  expect(pic.acknowledge()).toBe(0x36);
  driver.out(MASTER, EOI);
  expect(isr()).toBe(0x08);
  driver.out(MASTER, EOI);
  expect(isr()).toBe(0x08);
  driver.out(MASTER, 0x48);
  driver.out(MASTER, EOI);
  expect(isr()).toBe(0);
});

test('special fully nested mode lets the slave interrupt itself', () => {
  const { pic, pulse, intr } = setup({ master: 0x11 });
  pulse(12);
  pic.acknowledge();
  pulse(9);
  expect(intr()).toBe(true);
  expect(pic.acknowledge()).toBe(0x71);
  pulse(13);
  expect(intr()).toBe(false);
});

test('a poll acknowledges through a read', () => {
  const { driver, intr, pulse, isr } = setup();
  pulse(6);
  driver.out(MASTER, 0x0c);
  expect(driver.in(MASTER)).toBe(0x86);
  expect([isr(), intr()]).toEqual([0x40, false]);
  driver.out(MASTER, 0x0c);
  expect(driver.in(MASTER + 1)).toBe(0);
  expect(driver.in(MASTER + 1)).toBe(0x00); // back to the mask
});

test('INT falls with every INTA, so that an APIC input sees a further request as an edge', () => {
  const { pic, rig, pulse } = setup({ master: 0x03 });
  const line = rig.lines[0];
  pulse(3);
  pulse(4);
  const before = line?.risingEdges ?? 0;
  pic.acknowledge();
  expect(line?.risingEdges).toBe(before + 1);
});

test('adopting a level is no edge', () => {
  const { pic, intr, irr } = setup();
  pic.pin(4).adopt(true);
  pic.pin(4).set(true);
  expect([intr(), irr()]).toEqual([false, 0]);
  pic.pin(4).set(false);
  pic.pin(4).set(true);
  expect(intr()).toBe(true);
});

test.each([-1, 2, 16, 1.5])('there is no IRQ %p to connect', (irq) => {
  expect(() => setup().pic.pin(irq)).toThrow(`pic: IRQ ${irq}: expected 0 to 15, but not 2`);
});
