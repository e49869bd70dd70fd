// SPDX-License-Identifier: BSD-2-Clause
import { BarDecoder, type BarSpec } from '../../../devices/pci/bars.js';
import { pciAddress } from '../../../devices/pci/pci-function.js';
import { nullLogger } from '../../../src/core/log.js';
import { MemoryBus } from '../../../src/core/memory-bus.js';
import { PortBus } from '../../../src/core/port-bus.js';
import { deviceContract } from '../../contract/device.contract.js';
import { RecordingIrq } from '../../support/recording-irq.js';
import { ExampleFunction } from './example-function.js';

const BARS: readonly BarSpec[] = [{ index: 0, kind: 'io', size: 0x20 }];

function newDecoder(): BarDecoder {
  return new BarDecoder(new PortBus(), new MemoryBus(), nullLogger);
}

function make() {
  const intx = new RecordingIrq();
  const fn = new ExampleFunction('fn', { address: pciAddress(0, 3, 1), decoder: newDecoder(), intx }, BARS);
  return { fn, intx };
}

test('bus, device and function make the address', () => {
  expect(make().fn.address).toBe((3 << 3) | 1);
  expect(pciAddress(255, 31, 7)).toBe(0xffff);
  expect(() => pciAddress(0, 32, 0)).toThrow('PCI address 0:32.0');
});

test('the place decides whether there are other functions, and which pin a function has', () => {
  const place = { address: pciAddress(1, 3, 2), decoder: newDecoder(), intx: new RecordingIrq() };
  const fn = new ExampleFunction('fn', { ...place, pin: 3, isMultiFunction: true }, BARS);
  expect(fn.readConfig(0x0e, 1)).toBe(0x80);
  expect(fn.readConfig(0x0c, 4)).toBe(0x00800000);
  expect(fn.readConfig(0x3d, 1)).toBe(3);
  expect(fn.readConfig(0x3c, 4)).toBe(0x00000300);
  fn.writeConfig(0x3c, 2, 0xff0a);
  expect(fn.readConfig(0x3c, 2)).toBe(0x030a);
  const alone = new ExampleFunction('fn', place, BARS);
  expect([alone.readConfig(0x0e, 1), alone.readConfig(0x3d, 1)]).toEqual([0x00, 1]);
});

test('a pending interrupt shows in status bit 3 at every width that covers it', () => {
  const { fn } = make();
  fn.raise(true);
  expect(fn.readConfig(0x06, 1)).toBe(0x08);
  expect(fn.readConfig(0x06, 2)).toBe(0x0008);
  expect(fn.readConfig(0x04, 4)).toBe(0x00080000);
  expect(fn.readConfig(0x04, 2)).toBe(0x0000);
  expect(fn.readConfig(0x07, 1)).toBe(0x00);
});

test('command bit 10 holds the line low and leaves the status bit', () => {
  const { fn, intx } = make();
  fn.raise(true);
  expect(intx.level).toBe(true);
  fn.writeConfig(0x04, 2, 0x0400);
  expect(intx.level).toBe(false);
  expect(fn.readConfig(0x06, 2)).toBe(0x0008);
  fn.writeConfig(0x04, 2, 0x0000);
  expect(intx.level).toBe(true);
});

test('bus mastering follows command bit 2', () => {
  const { fn } = make();
  expect(fn.mayAccessMemory).toBe(false);
  fn.writeConfig(0x04, 1, 0x04);
  expect(fn.mayAccessMemory).toBe(true);
});

test('reset lowers the line', () => {
  const { fn, intx } = make();
  fn.raise(true);
  fn.reset();
  expect(intx.level).toBe(false);
});

deviceContract(
  'pci function',
  (rig) => new ExampleFunction('fn', { address: 8, decoder: newDecoder(), intx: rig.line() }, BARS),
  {
    operate: (fn) => {
      fn.writeConfig(0x10, 4, 0x3000);
      fn.writeConfig(0x04, 2, 0x0007);
      fn.raise(true);
    },
  },
);
