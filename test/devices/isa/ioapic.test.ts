// SPDX-License-Identifier: BSD-2-Clause
import { IoApic, type IoApicRoute } from '../../../devices/isa/ioapic.js';
import { deviceContract } from '../../contract/device.contract.js';
import { Rig } from '../../support/rig.js';

const MASKED = 0x10000;
const LEVEL = 0x8000;
const REMOTE_IRR = 0x4000;

function readRegister(ioapic: IoApic, index: number): number {
  ioapic.write(0x00, 4, index);
  return ioapic.read(0x10, 4);
}

function writeRegister(ioapic: IoApic, index: number, value: number): void {
  ioapic.write(0x00, 4, index);
  ioapic.write(0x10, 4, value);
}

/** Programs a pin as systems do: destination first, then the half with the mask. */
function program(ioapic: IoApic, pin: number, low: number, destination = 0): void {
  writeRegister(ioapic, 0x11 + 2 * pin, destination * 0x1000000);
  writeRegister(ioapic, 0x10 + 2 * pin, low);
}

function setup() {
  const messages: { address: number; data: number }[] = [];
  const routes: [number, IoApicRoute][] = [];
  const ioapic = new IoApic(
    'ioapic',
    { send: (address, data) => messages.push({ address, data }) },
    { routeChanged: (pin, route) => routes.push([pin, route]) },
  );
  return { ioapic, messages, routes };
}

deviceContract('I/O APIC', (rig) => new IoApic('ioapic', rig.msi), {
  operate: (ioapic) => {
    writeRegister(ioapic, 0, 0x05000000);
    program(ioapic, 9, LEVEL | 0x59, 3);
    ioapic.pin(9).set(true);
    ioapic.pin(31).set(true);
  },
});

test('shows 32 masked pins of a version 0x20 chip', () => {
  const { ioapic } = setup();
  expect(readRegister(ioapic, 1)).toBe(0x001f0020);
  expect(readRegister(ioapic, 0x10 + 62)).toBe(MASKED);
  expect(readRegister(ioapic, 0x11 + 62)).toBe(0);
  expect(readRegister(ioapic, 0x50)).toBe(0);
  expect(ioapic.read(0x00, 4)).toBe(0x50);
  expect(ioapic.read(0x20, 4)).toBe(0xffffffff);
});

test('the id has four bits and shows in the arbitration register too', () => {
  const { ioapic } = setup();
  writeRegister(ioapic, 0, 0xffffffff);
  expect([readRegister(ioapic, 0), readRegister(ioapic, 2)]).toEqual([0x0f000000, 0x0f000000]);
});

test('reserved and status bits of a redirection entry cannot be written', () => {
  const { ioapic } = setup();
  program(ioapic, 7, 0xffffffff, 0xff);
  expect(readRegister(ioapic, 0x10 + 14)).toBe(0x1afff);
  writeRegister(ioapic, 0x11 + 14, 0xffffffff);
  expect(readRegister(ioapic, 0x11 + 14)).toBe(0xff000000);
});

test('an edge becomes a message to the destination', () => {
  const { ioapic, messages } = setup();
  program(ioapic, 4, 0x34, 0x12);
  program(ioapic, 5, 0x0935, 0xff); // lowest priority, logical
  ioapic.pin(4).set(true);
  ioapic.pin(4).set(true);
  ioapic.pin(5).set(true);
  expect(messages).toEqual([
    { address: 0xfee12000, data: 0x0034 },
    { address: 0xfeeff004, data: 0x0135 },
  ]);
});

test('an edge on a masked pin is lost', () => {
  const { ioapic, messages } = setup();
  program(ioapic, 4, MASKED | 0x34);
  ioapic.pin(4).set(true);
  program(ioapic, 4, 0x34);
  expect(messages).toEqual([]);
});

test('a level interrupts once until its EOI, and again while the line stays up', () => {
  const { ioapic, messages } = setup();
  program(ioapic, 16, LEVEL | 0x50);
  ioapic.pin(16).set(true);
  expect(messages).toEqual([{ address: 0xfee00000, data: 0xc050 }]);
  expect(readRegister(ioapic, 0x10 + 32)).toBe(LEVEL | REMOTE_IRR | 0x50);
  ioapic.pin(16).set(false);
  ioapic.pin(16).set(true);
  ioapic.eoi(0x51);
  expect(messages).toHaveLength(1);
  ioapic.eoi(0x50);
  expect(messages).toHaveLength(2);
  ioapic.pin(16).set(false);
  ioapic.write(0x40, 4, 0x50); // directed EOI
  expect(messages).toHaveLength(2);
  expect(readRegister(ioapic, 0x10 + 32)).toBe(LEVEL | 0x50);
});

test('an EOI reaches every pin with its vector', () => {
  const { ioapic, messages } = setup();
  for (const pin of [16, 17]) {
    program(ioapic, pin, LEVEL | 0x50);
    ioapic.pin(pin).set(true);
  }
  ioapic.eoi(0x50);
  expect(messages).toHaveLength(4);
});

test('a level that waits behind the mask interrupts when the mask falls', () => {
  const { ioapic, messages } = setup();
  program(ioapic, 16, LEVEL | MASKED | 0x50);
  ioapic.pin(16).set(true);
  expect(messages).toHaveLength(0);
  program(ioapic, 16, LEVEL | 0x50);
  expect(messages).toHaveLength(1);
  program(ioapic, 16, LEVEL | MASKED | 0x50);
  ioapic.eoi(0x50);
  expect(messages).toHaveLength(1);
});

test('switching to edge clears remote IRR', () => {
  const { ioapic } = setup();
  program(ioapic, 16, LEVEL | 0x50);
  ioapic.pin(16).set(true);
  program(ioapic, 16, MASKED | 0x50);
  expect(readRegister(ioapic, 0x10 + 32)).toBe(MASKED | 0x50);
});

test('pin 0 carries the 8259 pair as ExtINT, never as a level', () => {
  const { ioapic, messages } = setup();
  ioapic.pin(0).set(true);
  program(ioapic, 0, LEVEL | 0x0700);
  expect(messages).toEqual([{ address: 0xfee00000, data: 0x0700 }]);
  ioapic.pin(0).set(false);
  ioapic.pin(0).set(true);
  expect(messages).toHaveLength(2);
  expect(readRegister(ioapic, 0x10)).toBe(LEVEL | 0x0700);
});

test('adopting a level sends nothing, and the next EOI finds it', () => {
  const { ioapic, messages } = setup();
  program(ioapic, 9, LEVEL | 0x59);
  ioapic.pin(9).adopt(true);
  expect(messages).toEqual([]);
  const copy = setup();
  ioapic.pin(9).set(true);
  copy.ioapic.deserialize(ioapic.serialize());
  copy.ioapic.pin(9).adopt(true);
  copy.ioapic.eoi(0x59);
  expect(copy.messages).toEqual([{ address: 0xfee00000, data: 0xc059 }]);
});

test('the engine learns every route: on writes, after a reset and after a restore', () => {
  const { ioapic, routes } = setup();
  program(ioapic, 16, LEVEL | 0x50, 2);
  const route = { address: 0xfee02000, data: 0xc050, levelTriggered: true, masked: false };
  expect(routes.at(-1)).toEqual([16, route]);
  expect(ioapic.route(16)).toEqual(route);
  const copy = setup();
  copy.ioapic.deserialize(ioapic.serialize());
  expect(copy.routes).toHaveLength(32);
  expect(copy.routes[16]).toEqual([16, route]);
  routes.length = 0;
  ioapic.reset();
  expect(routes.every(([, { masked }]) => masked)).toBe(true);
  expect(routes).toHaveLength(32);
});

test.each([-1, 32, 0.5])('there is no pin %p to connect', (pin) => {
  expect(() => new IoApic('ioapic', new Rig().msi).pin(pin)).toThrow(`ioapic: pin ${pin}: expected 0 to 31`);
});
