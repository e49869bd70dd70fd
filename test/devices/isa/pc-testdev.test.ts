// SPDX-License-Identifier: BSD-2-Clause
import { PcTestdev } from '../../../devices/isa/pc-testdev.js';
import { MemoryBus } from '../../../src/core/memory-bus.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { RecordingIrq } from '../../support/recording-irq.js';

const MEMORY = 0xff000000;

function attach(device: PcTestdev): GuestDriver {
  return new GuestDriver()
    .attach('scratch', 0xe0, 4, device.scratchPorts())
    .attach('flush', 0xe4, 4, device.flushPorts())
    .attach('split scratch', 0xe8, 4, device.scratchPorts())
    .attach('irq', 0x2000, 24, device.irqPorts());
}

function make() {
  const lines = Array.from({ length: 24 }, () => new RecordingIrq());
  const device = new PcTestdev('testdev', lines);
  const memory = new MemoryBus();
  memory.register('testdev', MEMORY, 0x10000, device.memoryWindow());
  return { lines, device, memory, guest: attach(device) };
}

test('the scratch register answers every width at every aligned port, in both windows', () => {
  const { guest } = make();
  guest.out(0xe0, 0x12345678, 4);
  expect(guest.in(0xe0)).toBe(0x78);
  expect(guest.in(0xe2, 2)).toBe(0x1234);
  expect(guest.in(0xe8, 4)).toBe(0x12345678);
  guest.out(0xe3, 0xff);
  expect(guest.in(0xe0, 4)).toBe(0xff345678);
});

test('an interrupt port drives the line of its number', () => {
  const { guest, lines } = make();
  guest.out(0x2000 + 4, 1);
  guest.out(0x2000 + 23, 0x80);
  expect(lines.flatMap((line, number) => (line.level ? [number] : []))).toEqual([4, 23]);
  guest.out(0x2000 + 4, 0);
  expect(lines[4]?.sets).toEqual([true, false]);
});

test('the memory window keeps bytes up to its last one', () => {
  const { memory } = make();
  memory.write(MEMORY + 0xfffc, 4, 0xaabbccdd);
  expect(memory.read(MEMORY + 0xffff, 1)).toBe(0xaa);
  expect(memory.read(MEMORY + 0xfffe, 4)).toBe(0xffffaabb);
  memory.write(MEMORY + 0xffff, 4, 0);
  expect(memory.read(MEMORY + 0xfffc, 4)).toBe(0x00bbccdd);
});

test('a flush is accepted', () => {
  const { guest } = make();
  expect(() => guest.out(0xe4, 0x1000, 4)).not.toThrow();
});

test('another number of lines is refused', () => {
  expect(() => new PcTestdev('testdev', [])).toThrow('lines: 0 given, 24 needed');
});

deviceContract(
  'pc-testdev',
  (rig) =>
    new PcTestdev(
      'testdev',
      Array.from({ length: 24 }, () => rig.line()),
    ),
  {
    operate: (device) => {
      const guest = attach(device);
      guest.out(0xe0, 0xcafe, 2);
      guest.out(0x2011, 1);
      device.memoryWindow().write(5, 1, 9);
    },
  },
);
