// SPDX-License-Identifier: BSD-2-Clause
/**
 * Gives every BAR an address and lets functions decode them, as firmware does, and bhyve before any firmware. A kernel
 * that is booted directly would take a BAR that holds zero for one that lies over the ports of the board.
 * Reference: PCI-3.0 §6.2.5.1 (how the size of a BAR is found).
 */
import { PCI_IO, type RamLayout } from '../boot/memory-map.js';
import { pciWindows } from '../boot/pci-windows.js';
import { alignUp, hex, type Width } from '../core/bits.js';
import { ConfigError } from './config-error.js';

const COMMAND = 0x04;
const COMMAND_IO = 0x1;
const COMMAND_MEMORY = 0x2;
const FIRST_BAR = 0x10;
const BARS = 6;
const ALL_ONES = 0xffffffff;
const IS_IO = 0x1;
const TYPE = 0x6;
const TYPE_64 = 0x4;
/** pc-testdev has ports at the start of the window. */
const FIRST_PORT = PCI_IO.base + 0x100;

export interface ConfiguredFunction {
  readonly id: string;
  /** Bus, device and function. */
  readonly address: number;
  readConfig(offset: number, width: Width): number;
  writeConfig(offset: number, width: Width, value: number): void;
}

interface Window {
  next: number;
  readonly end: number;
}

export function assignBars(functions: readonly ConfiguredFunction[], ram: RamLayout): void {
  const buses = [...new Set([0, ...functions.map(busOf)])];
  for (const [bus, { io, memory32, memory64 }] of pciWindows(ram, buses)) {
    const windows: Windows = {
      io: { next: Math.max(io.base, FIRST_PORT), end: io.base + io.size },
      memory32: { next: memory32.base, end: memory32.base + memory32.size },
      memory64: { next: memory64.base, end: memory64.base + memory64.size },
    };
    for (const fn of functions) if (busOf(fn) === bus) assignFunction(fn, windows);
  }
}

function busOf({ address }: ConfiguredFunction): number {
  return address >> 8;
}

type Windows = Readonly<Record<'io' | 'memory32' | 'memory64', Window>>;

function assignFunction(fn: ConfiguredFunction, windows: Windows): void {
  let command = 0;
  for (let bar = 0; bar < BARS; bar += 1) {
    const at = FIRST_BAR + 4 * bar;
    const pattern = sizing(fn, at);
    if (pattern === 0) continue;
    if (pattern & IS_IO) {
      fn.writeConfig(at, 4, take(fn, bar, windows.io, -(pattern & ~0x3) >>> 0));
      command |= COMMAND_IO;
      continue;
    }
    command |= COMMAND_MEMORY;
    const low = (pattern & ~0xf) >>> 0;
    if ((pattern & TYPE) !== TYPE_64) {
      fn.writeConfig(at, 4, take(fn, bar, windows.memory32, -low >>> 0));
      continue;
    }
    const high = sizing(fn, at + 4);
    const address = take(fn, bar, windows.memory64, low === 0 ? 2 ** 32 * (-high >>> 0) : -low >>> 0);
    fn.writeConfig(at, 4, address % 2 ** 32);
    fn.writeConfig(at + 4, 4, Math.floor(address / 2 ** 32));
    bar += 1;
  }
  if (command !== 0) fn.writeConfig(COMMAND, 2, fn.readConfig(COMMAND, 2) | command);
}

function sizing(fn: ConfiguredFunction, at: number): number {
  fn.writeConfig(at, 4, ALL_ONES);
  return fn.readConfig(at, 4);
}

function take({ id }: ConfiguredFunction, bar: number, window: Window, size: number): number {
  const address = alignUp(window.next, size);
  if (address + size > window.end) {
    throw new ConfigError(id, `BAR${bar} of ${hex(size)} bytes: no room below ${hex(window.end)}`);
  }
  window.next = address + size;
  return address;
}
