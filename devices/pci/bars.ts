// SPDX-License-Identifier: BSD-2-Clause
/**
 * Base address registers: their layout, what they decode at the moment, and who gets a contested address.
 * Reference: PCI-3.0 §6.2.5. Sizing needs no code: the address bits below the size are fixed at zero.
 */
import { hex, isPowerOfTwo } from '../../src/core/bits.js';
import type { Logger } from '../../src/core/log.js';
import type { MemoryBus, MmioHandler } from '../../src/core/memory-bus.js';
import type { PortBus } from '../../src/core/port-bus.js';
import { COMMAND, COMMAND_IO, COMMAND_MEMORY, type RegisterSpec } from './config-layout.js';
import { readConfig } from './config-space.js';

const FIRST_BAR = 0x10;
const BAR_COUNT = 6;
const TYPE_IO = 0x1;
const TYPE_MEMORY_64 = 0x4;
const PREFETCHABLE = 0x8;
const PORT_END = 0x10000;
const ADDRESS_END = 2 ** 52;

export interface BarSpec {
  /** 0 to 5; a 64-bit BAR takes the next one too. */
  readonly index: number;
  readonly kind: 'io' | 'memory32' | 'memory64';
  /** A power of two. */
  readonly size: number;
  readonly prefetchable?: boolean;
}

/** An address range that a function decodes now. */
export interface BarWindow {
  readonly name: string;
  readonly space: 'io' | 'memory';
  readonly base: number;
  readonly length: number;
  readonly handler: MmioHandler;
}

/** The configuration registers behind a function's BARs. */
export function barRegisters(bars: readonly BarSpec[]): RegisterSpec[] {
  return bars.flatMap((bar) => {
    checkBar(bar);
    const at = FIRST_BAR + 4 * bar.index;
    if (bar.kind === 'io') return [{ at, width: 4, initial: TYPE_IO, writable: -bar.size >>> 0 }];
    const prefetchable = bar.prefetchable ? PREFETCHABLE : 0;
    const low = -bar.size >>> 0; // zero from 4 GiB on: then only the upper half is writable
    if (bar.kind === 'memory32') return [{ at, width: 4, initial: prefetchable, writable: low }];
    const high = -Math.max(1, bar.size / 2 ** 32) >>> 0;
    return [
      { at, width: 4, initial: TYPE_MEMORY_64 | prefetchable, writable: low },
      { at: at + 4, width: 4, writable: high },
    ];
  });
}

/** The ranges decoded according to the command register and the BARs in `config`. */
export function decodedWindows(
  name: string,
  config: Uint8Array,
  bars: readonly BarSpec[],
  handler: (index: number) => MmioHandler,
): BarWindow[] {
  const command = readConfig(config, COMMAND, 2);
  return bars.flatMap((bar) => {
    const space = bar.kind === 'io' ? 'io' : 'memory';
    const enabled = command & (space === 'io' ? COMMAND_IO : COMMAND_MEMORY);
    const base = barBase(config, bar);
    if (!enabled || base === null) return [];
    return [{ name: `${name} BAR${bar.index}`, space, base, length: bar.size, handler: handler(bar.index) }];
  });
}

/** Null when the BAR is unassigned (0), holds the all-ones sizing pattern, or lies beyond what the platform addresses. */
function barBase(config: Uint8Array, bar: BarSpec): number | null {
  const at = FIRST_BAR + 4 * bar.index;
  const low = (readConfig(config, at, 4) & (bar.kind === 'io' ? ~0x3 : ~0xf)) >>> 0;
  const high = bar.kind === 'memory64' ? readConfig(config, at + 4, 4) : 0;
  const base = high * 2 ** 32 + low;
  const sizing = bar.kind !== 'memory64' && low === -bar.size >>> 0;
  const end = bar.kind === 'io' ? PORT_END : ADDRESS_END;
  return base === 0 || sizing || base + bar.size > end ? null : base;
}

function checkBar({ index, kind, size }: BarSpec): void {
  const least = kind === 'io' ? 4 : 16;
  // Larger 32-bit BARs could be placed at the very address that is their sizing pattern.
  const most = kind === 'io' ? 2 ** 8 : kind === 'memory32' ? 2 ** 28 : 2 ** 51;
  if (!isPowerOfTwo(size) || size < least || size > most) {
    throw new RangeError(`BAR${index} size ${hex(size)}: a power of two from ${hex(least)} to ${hex(most)} expected`);
  }
  const last = index + (kind === 'memory64' ? 1 : 0);
  if (!Number.isInteger(index) || index < 0 || last >= BAR_COUNT) {
    throw new RangeError(`BAR${index}: 0 to 5 expected, and 0 to 4 for 64-bit memory`);
  }
}

interface Claim {
  readonly windows: readonly BarWindow[];
  readonly summary: string;
}

/**
 * Puts the windows of all functions on the buses. Real hardware leaves two devices at one address undefined; here the
 * lower function address wins, and what overlaps a fixed device is not decoded. The outcome depends only on what all
 * configuration spaces hold, never on the order of writes or restores, so none of this is saved.
 */
export class BarDecoder {
  private readonly claims = new Map<number, Claim>();
  private registered: (() => void)[] = [];

  constructor(
    private readonly ports: PortBus,
    private readonly memory: MemoryBus,
    private readonly log: Logger,
  ) {}

  /** Replaces everything that the function at this address decodes. */
  claim(functionAddress: number, windows: readonly BarWindow[]): void {
    const summary = windows.map(({ name, base }) => `${name}@${hex(base)}`).join(' ');
    if ((this.claims.get(functionAddress)?.summary ?? '') === summary) return;
    this.claims.set(functionAddress, { windows, summary });
    this.registerAll();
  }

  private registerAll(): void {
    for (const unregister of this.registered) unregister();
    this.registered = [];
    const byAddress = [...this.claims].sort(([a], [b]) => a - b);
    for (const window of byAddress.flatMap(([, { windows }]) => windows)) this.register(window);
  }

  private register({ name, space, base, length, handler }: BarWindow): void {
    const bus = space === 'io' ? this.ports : this.memory;
    try {
      this.registered.push(bus.register(name, base, length, handler));
    } catch (error) {
      // The guest chose the address, so a conflict must not reach it as a failure of the machine.
      this.log.once(`${name}@${base}`).warn(`${name} is not decoded: ${String(error)}`);
    }
  }
}
