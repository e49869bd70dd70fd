// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { FwCfg } from '../../devices/firmware/fw-cfg.js';
import { I8042 } from '../../devices/isa/i8042.js';
import { PcTestdev } from '../../devices/isa/pc-testdev.js';
import { Port92 } from '../../devices/isa/port92.js';
import { PostPort } from '../../devices/isa/post-port.js';
import { Ps2Keyboard } from '../../devices/isa/ps2-keyboard.js';
import { ResetControl } from '../../devices/isa/reset-control.js';
import { Uart16550 } from '../../devices/isa/uart16550.js';
import { BarDecoder } from '../../devices/pci/bars.js';
import { HostBridge } from '../../devices/pci/host-bridge.js';
import { LpcBridge } from '../../devices/pci/lpc-bridge.js';
import { PciRootBus } from '../../devices/pci/root-bus.js';
import { ManualClock } from '../../src/core/clock.js';
import type { AnyDevice } from '../../src/core/device.js';
import { nullLine } from '../../src/core/irq-line.js';
import { nullLogger } from '../../src/core/log.js';
import { MemoryBus } from '../../src/core/memory-bus.js';
import { PortBus } from '../../src/core/port-bus.js';
import { ExampleFunction } from './pci/example-function.js';

const nothing = (): void => {};

/** A small board with every device on real buses. */
function makeBoard() {
  const ports = new PortBus();
  const memory = new MemoryBus();
  const clock = new ManualClock();
  const decoder = new BarDecoder(ports, memory, nullLogger);
  const place = (address: number) => ({ address, decoder, intx: nullLine });
  const lines = (count: number) => Array.from({ length: count }, () => nullLine);

  const uart = new Uart16550('com1', { irq: nullLine, output: { write: nothing }, clock, onSpace: nothing });
  const keyboard: Ps2Keyboard = new Ps2Keyboard('keyboard', { onData: () => i8042.serve(), onSpace: nothing });
  const i8042: I8042 = new I8042('i8042', { keyboard, irq: nullLine, a20: nullLine, onReset: nothing });
  const port92 = new Port92('port92', { a20: nullLine, onReset: nothing });
  const post = new PostPort('post');
  const testdev = new PcTestdev('testdev', lines(24));
  const fwCfg = new FwCfg('fw-cfg', { cpus: 1, maxCpus: 1, files: [] });
  const reset = new ResetControl('reset', nothing);
  const rootBus = new PciRootBus('pci', reset.ports());
  const functions = [
    new HostBridge('hostbridge', place(0)),
    new LpcBridge('lpc', place(8), { pic: lines(16), ioapic: lines(8) }),
    new ExampleFunction('example', place(16), [
      { index: 0, kind: 'io', size: 0x20 },
      { index: 1, kind: 'memory32', size: 0x1000 },
      { index: 2, kind: 'memory64', size: 0x4000 },
    ]),
  ];
  for (const fn of functions) rootBus.attach(fn);

  ports.register('i8042 data', 0x60, 1, i8042.dataPort());
  ports.register('i8042 command', 0x64, 1, i8042.commandPort());
  ports.register('post', 0x80, 1, post.ports());
  ports.register('port92', 0x92, 1, port92.ports());
  ports.register('testdev scratch', 0xe0, 4, testdev.scratchPorts());
  ports.register('testdev irq', 0x2000, 24, testdev.irqPorts());
  ports.register('com1', 0x3f8, 8, uart);
  ports.register('fw-cfg', 0x510, 2, fwCfg.ports());
  ports.register('pci', 0xcf8, 8, rootBus.ports());
  memory.register('ecam', 0xe0000000, 2 ** 28, rootBus.ecam());
  memory.register('testdev', 0xff000000, 2 ** 16, testdev.memoryWindow());
  const devices: AnyDevice[] = [uart, keyboard, i8042, port92, post, testdev, fwCfg, reset, rootBus, ...functions];
  return { ports, memory, clock, uart, keyboard, devices };
}

const INTERESTING_PORTS = [
  0x5f, 0x60, 0x61, 0x63, 0x64, 0x7f, 0x80, 0x92, 0xe0, 0xe1, 0xe2, 0xe3, 0x3f7, 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc,
  0x3fd, 0x3fe, 0x3ff, 0x50f, 0x510, 0x511, 0xcf7, 0xcf8, 0xcf9, 0xcfa, 0xcfc, 0xcfd, 0xcfe, 0xcff, 0x2000, 0x2017,
  0xffff,
];
const INTERESTING_VALUES = [0, 1, 0xff, 0xffff, 0xffffffff, 0x80000000, 0x80001004, 0x80001010, 0x80001018, 0x80000860];

const width = fc.constantFrom(1, 2, 4) as fc.Arbitrary<1 | 2 | 4>;
const value = fc.oneof(fc.constantFrom(...INTERESTING_VALUES), fc.nat({ max: 0xff }), fc.nat({ max: 0xffffffff }));
const address = fc.oneof(
  fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 0x107 })).map(([fn, offset]) => 0xe0000000 + fn * 0x8000 + offset),
  fc.nat({ max: 0x10003 }).map((offset) => 0xff000000 + offset),
);
const action = fc.oneof(
  fc.record({ kind: fc.constant('port' as const), port: fc.constantFrom(...INTERESTING_PORTS), width, value }),
  fc.record({ kind: fc.constant('memory' as const), address, width, value }),
  fc.record({ kind: fc.constant('host' as const), byte: fc.nat({ max: 255 }) }),
  fc.record({ kind: fc.constant('time' as const), nanoseconds: fc.bigInt({ min: 0n, max: 10n ** 9n }) }),
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

function perform({ ports, memory, clock, uart, keyboard }: ReturnType<typeof makeBoard>, step: Action): number[] {
  switch (step.kind) {
    case 'port':
      ports.write(step.port, step.width, step.value);
      return [ports.read(step.port, step.width)];
    case 'memory':
      memory.write(step.address, step.width, step.value);
      return [memory.read(step.address, step.width)];
    case 'host':
      return [uart.receive(step.byte) ? 1 : 0, keyboard.press([step.byte]) ? 1 : 0];
    case 'time':
      clock.advance(step.nanoseconds);
      return [];
  }
}

const steps = fc.array(action, { maxLength: 60 });
const runs = { seed: 20, numRuns: 150 };

test('no guest access throws, gives a value wider than asked, or leaves a state that cannot be saved', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const board = makeBoard();
      for (const step of list) {
        for (const result of perform(board, step)) expect(result).toBe(result >>> 0);
      }
      for (const device of board.devices) expect(() => device.serialize()).not.toThrow();
    }),
    runs,
  );
});

test('a board restored in any order goes on exactly like the one that was saved', () => {
  fc.assert(
    fc.property(steps, steps, fc.boolean(), (before, after, reversed) => {
      const original = makeBoard();
      for (const step of before) perform(original, step);
      const copy = makeBoard();
      copy.clock.set(original.clock.now());
      const order = copy.devices.map((_, index) => index);
      for (const index of reversed ? order.reverse() : order) {
        copy.devices[index]?.deserialize(original.devices[index]?.serialize() ?? null);
      }
      expect(after.map((step) => perform(copy, step))).toEqual(after.map((step) => perform(original, step)));
      expect(copy.clock.nextDeadline()).toBe(original.clock.nextDeadline());
    }),
    runs,
  );
});
