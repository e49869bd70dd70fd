// SPDX-License-Identifier: BSD-2-Clause
import { BarDecoder, type BarSpec } from '../../devices/pci/bars.js';
import { nullLine } from '../../src/core/irq-line.js';
import { nullLogger } from '../../src/core/log.js';
import { MemoryBus } from '../../src/core/memory-bus.js';
import { PortBus } from '../../src/core/port-bus.js';
import { assignBars } from '../../src/machine/assign-bars.js';
import { ExampleFunction } from '../devices/pci/example-function.js';

const GIB = 2 ** 30;
/** One of each kind. */
const THREE: readonly BarSpec[] = [
  { index: 0, kind: 'io', size: 0x20 },
  { index: 1, kind: 'memory32', size: 0x1000 },
  { index: 4, kind: 'memory64', size: 0x4000 },
];

function assigned(high: number, ...functions: readonly (readonly BarSpec[])[]) {
  const [ports, memory] = [new PortBus(), new MemoryBus()];
  const decoder = new BarDecoder(ports, memory, nullLogger);
  const made = functions.map(
    (bars, n) => new ExampleFunction(`fn${n}`, { address: 8 * n, decoder, intx: nullLine }, bars),
  );
  assignBars(made, { low: 3 * GIB, high });
  const list = [...ports.list(), ...memory.list()].map(({ name, base, end }) => [
    name.replace(/ .*BAR/, '.'),
    base,
    end - base,
  ]);
  return { made, list };
}

test('every BAR decodes an address of its own, aligned to its size', () => {
  const { list } = assigned(
    0,
    [
      { index: 0, kind: 'io', size: 0x20 },
      { index: 1, kind: 'memory32', size: 0x1000 },
      { index: 4, kind: 'memory64', size: 0x4000 },
    ],
    [
      { index: 0, kind: 'io', size: 0x80 },
      { index: 2, kind: 'memory64', size: 2 * GIB },
      { index: 5, kind: 'memory32', size: 0x100000 },
    ],
    [{ index: 0, kind: 'memory64', size: 8 * GIB }],
  );
  expect(list).toEqual([
    ['fn0.0', 0x2100, 0x20],
    ['fn1.0', 0x2180, 0x80],
    ['fn0.1', 0xc0000000, 0x1000],
    ['fn1.5', 0xc0100000, 0x100000],
    ['fn0.4', 32 * GIB, 0x4000],
    ['fn1.2', 34 * GIB, 2 * GIB],
    ['fn2.0', 40 * GIB, 8 * GIB],
  ]);
});

test('64-bit BARs lie above memory', () => {
  expect(assigned(40 * GIB, [{ index: 0, kind: 'memory64', size: 0x4000 }]).list).toEqual([
    ['fn0.0', 64 * GIB, 0x4000],
  ]);
});

test('only what a function has is decoded', () => {
  const command = (bars: readonly BarSpec[]): number | undefined => assigned(0, bars).made[0]?.readConfig(4, 2);
  expect(command([])).toBe(0);
  expect(command([{ index: 0, kind: 'io', size: 4 }])).toBe(1);
  expect(command([{ index: 0, kind: 'memory32', size: 16 }])).toBe(2);
});

test('BARs that do not fit are refused by name', () => {
  expect(() => assigned(0, [{ index: 0, kind: 'memory64', size: 64 * GIB }])).toThrow(
    'fn0: BAR0 of 0x1000000000 bytes: no room below 0x1000000000',
  );
});

test('each bus has its part of the addresses', () => {
  const [ports, memory] = [new PortBus(), new MemoryBus()];
  const decoder = new BarDecoder(ports, memory, nullLogger);
  const made = [0x0018, 0x0118, 0x0518].map(
    (address) => new ExampleFunction(`fn${address >> 8}`, { address, decoder, intx: nullLine }, THREE),
  );
  assignBars(made, { low: GIB, high: 0 });
  const bases = [...ports.list(), ...memory.list()].map(({ base }) => base);
  // A third each: 0x4aa0 ports, 170 MiB, 10922 MiB.
  expect(bases).toEqual([
    ...[0x2100, 0x6aa0, 0xb540],
    ...[0xc0000000, 0xcaa00000, 0xd5400000],
    ...[32 * GIB, 32 * GIB + 0x2aaa00000, 32 * GIB + 2 * 0x2aaa00000],
  ]);
});
