// SPDX-License-Identifier: BSD-2-Clause
import { BarDecoder } from '../../../devices/pci/bars.js';
import { LpcBridge } from '../../../devices/pci/lpc-bridge.js';
import { pirqLink } from '../../../devices/pci/pirq-router.js';
import { nullLine } from '../../../src/core/irq-line.js';
import { nullLogger } from '../../../src/core/log.js';
import { MemoryBus } from '../../../src/core/memory-bus.js';
import { PortBus } from '../../../src/core/port-bus.js';
import { deviceContract } from '../../contract/device.contract.js';
import { RecordingIrq } from '../../support/recording-irq.js';

const PIRQ = [0x60, 0x61, 0x62, 0x63, 0x68, 0x69, 0x6a, 0x6b];
const LINKS = [0, 1, 2, 3, 4, 5, 6, 7];
const SLOT_OF_LINK = [3, 4, 5, 6, 7, 8, 9, 10]; // INTA# of slot 3 + n is on link n

function lines(count: number): RecordingIrq[] {
  return Array.from({ length: count }, () => new RecordingIrq());
}

function place() {
  return { address: 0xf8, decoder: new BarDecoder(new PortBus(), new MemoryBus(), nullLogger), intx: nullLine };
}

function make() {
  const pic = lines(16);
  const ioapic = lines(8);
  const bridge = new LpcBridge('lpc', place(), { pic, ioapic });
  const inputs = SLOT_OF_LINK.map((slot) => bridge.interruptLine(0, slot, 1));
  const high = (pins: RecordingIrq[]): number[] => pins.flatMap((pin, number) => (pin.level ? [number] : []));
  return { bridge, inputs, pic, ioapic, picHigh: () => high(pic), ioapicHigh: () => high(ioapic) };
}

test('identity 8086:7000, an ISA bridge', () => {
  const { bridge } = make();
  expect(bridge.readConfig(0x00, 4)).toBe(0x70008086);
  expect(bridge.readConfig(0x08, 4) >>> 8).toBe(0x060100);
});

test('the eight PIRQ registers start disabled and keep bit 7 and bits 0-3', () => {
  const { bridge } = make();
  expect(PIRQ.map((at) => bridge.readConfig(at, 1))).toEqual(PIRQ.map(() => 0x80));
  for (const at of PIRQ) bridge.writeConfig(at, 1, 0x7f);
  expect(PIRQ.map((at) => bridge.readConfig(at, 1))).toEqual(PIRQ.map(() => 0x0f));
  expect(bridge.readConfig(0x64, 4)).toBe(0);
});

test('slots and pins rotate over the links', () => {
  expect([1, 2, 3, 4].map((pin) => pirqLink(0, 0, pin as 1 | 2 | 3 | 4))).toEqual([5, 6, 7, 0]);
  expect(SLOT_OF_LINK.map((slot) => pirqLink(0, slot, 1))).toEqual(LINKS);
  expect(pirqLink(0, 31, 4)).toBe(7);
  expect(LINKS.map((bus) => pirqLink(bus, 11, 1))).toEqual(LINKS);
});

test.each(LINKS)('link %p always drives its IOAPIC pin, and no 8259 pin while disabled', (link) => {
  const { inputs, picHigh, ioapicHigh } = make();
  inputs[link]?.set(true);
  expect([ioapicHigh(), picHigh()]).toEqual([[link], []]);
  inputs[link]?.set(false);
  expect(ioapicHigh()).toEqual([]);
});

test.each(LINKS)('link %p drives the 8259 pin it is routed to, for the legal pins only', (link) => {
  const { bridge, inputs, picHigh } = make();
  inputs[link]?.set(true);
  const driven: number[] = [];
  for (let irq = 0; irq < 16; irq++) {
    bridge.writeConfig(PIRQ[link] ?? 0, 1, irq);
    driven.push(...picHigh());
  }
  expect(driven).toEqual([3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15]);
  bridge.writeConfig(PIRQ[link] ?? 0, 1, 0x8b);
  expect(picHigh()).toEqual([]);
});

test('a pin shared by sources and links stays high until the last one lets go', () => {
  const { bridge, inputs, picHigh, ioapicHigh } = make();
  const neighbour = bridge.interruptLine(0, 11, 1); // link 0 as well
  bridge.writeConfig(0x60, 2, 0x0b0b);
  inputs[0]?.set(true);
  neighbour.set(true);
  inputs[1]?.set(true);
  inputs[0]?.set(false);
  expect([picHigh(), ioapicHigh()]).toEqual([[11], [0, 1]]);
  neighbour.set(false);
  expect([picHigh(), ioapicHigh()]).toEqual([[11], [1]]);
  inputs[1]?.set(false);
  expect(picHigh()).toEqual([]);
});

test('moving an asserted link moves its level', () => {
  const { bridge, inputs, picHigh } = make();
  bridge.writeConfig(0x60, 1, 5);
  inputs[0]?.set(true);
  bridge.writeConfig(0x60, 1, 10);
  expect(picHigh()).toEqual([10]);
});

test.each(['the bridge first', 'the function first'])(
  'restoring %s adopts the routed level without an edge',
  (order) => {
    const before = make();
    before.bridge.writeConfig(0x60, 1, 11);
    const saved = before.bridge.serialize();
    const after = make();
    const restoreFunction = (): void => after.inputs[0]?.adopt(true);
    if (order === 'the function first') restoreFunction();
    after.bridge.deserialize(saved);
    if (order === 'the bridge first') restoreFunction();
    expect([after.picHigh(), after.ioapicHigh()]).toEqual([[11], [0]]);
    expect([...after.pic, ...after.ioapic].flatMap(({ sets }) => sets)).toEqual([]);
  },
);

test('reset disables the routes', () => {
  const { bridge, inputs, picHigh } = make();
  bridge.writeConfig(0x60, 1, 11);
  inputs[0]?.set(true);
  bridge.reset();
  expect(picHigh()).toEqual([]);
});

test('a wrong number of outputs is refused', () => {
  expect(() => new LpcBridge('lpc', place(), { pic: lines(15), ioapic: lines(8) })).toThrow('pic: 15 lines given');
  expect(() => new LpcBridge('lpc', place(), { pic: lines(16), ioapic: lines(7) })).toThrow('ioapic: 7 lines given');
});

deviceContract(
  'pci-lpc-bridge',
  (rig) => {
    const wires = (count: number) => Array.from({ length: count }, () => rig.line());
    return new LpcBridge('lpc', place(), { pic: wires(16), ioapic: wires(8) });
  },
  { operate: (bridge) => bridge.writeConfig(0x68, 4, 0x0b0a0905) },
);
