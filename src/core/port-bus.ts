// SPDX-License-Identifier: BSD-2-Clause
import { hex, mask, type Width } from './bits.js';

/** A device's end of a port range; `offset` counts from the start of the range. */
export interface PortHandler {
  read(offset: number, width: Width): number;
  write(offset: number, width: Width, value: number): void;
}

export type UnmappedAccess = (address: number, width: number, isWrite: boolean, value: number) => void;

/** Who answers from `base` to just below `end`. */
export interface BusRange {
  readonly name: string;
  readonly base: number;
  readonly end: number;
}

interface PortRange extends BusRange {
  readonly handler: PortHandler;
}

const PORTS = 0x10000;

/** The 64 KiB I/O port space. Nobody's ports read as all ones, and writes to them are dropped. */
export class PortBus {
  /** Told about accesses that no device answers. */
  onUnmapped: UnmappedAccess | undefined;
  private readonly table = new Array<PortRange | undefined>(PORTS).fill(undefined);

  /** Returns the function that takes the range off the bus again. */
  register(name: string, base: number, length: number, handler: PortHandler): () => void {
    const end = base + length;
    if (!Number.isInteger(base) || !Number.isInteger(length) || base < 0 || length < 1 || end > PORTS) {
      throw new RangeError(`ports of ${name}: expected a range within 0x0-0xffff, got ${length} from ${hex(base)}`);
    }
    for (let port = base; port < end; port += 1) {
      const other = this.table[port];
      if (other !== undefined) throw new Error(`port ${hex(port)}: ${name} overlaps ${other.name}`);
    }
    const range: PortRange = { name, base, end, handler };
    this.table.fill(range, base, end);
    return () => {
      if (this.table[base] === range) this.table.fill(undefined, base, end);
    };
  }

  /** In ascending order. */
  list(): BusRange[] {
    return [...new Set(this.table)].filter((range) => range !== undefined);
  }

  read(port: number, width: Width): number {
    const range = this.table[port];
    if (range !== undefined && port + width <= range.end) {
      return (range.handler.read(port - range.base, width) & mask(width)) >>> 0;
    }
    return this.isUnmapped(port, width) ? this.readUnmapped(port, width) : this.readSplit(port, width);
  }

  write(port: number, width: Width, value: number): void {
    const range = this.table[port];
    if (range !== undefined && port + width <= range.end) {
      range.handler.write(port - range.base, width, (value & mask(width)) >>> 0);
    } else if (this.isUnmapped(port, width)) {
      this.onUnmapped?.(port, width, true, value);
    } else {
      this.writeSplit(port, width, value);
    }
  }

  private isUnmapped(port: number, width: Width): boolean {
    for (let index = 0; index < width; index += 1) {
      if (this.table[port + index] !== undefined) return false;
    }
    return true;
  }

  private readUnmapped(port: number, width: Width): number {
    this.onUnmapped?.(port, width, false, mask(width));
    return mask(width);
  }

  private readSplit(port: number, width: Width): number {
    let value = 0;
    for (let index = 0; index < width; index += 1) value |= this.read(port + index, 1) << (8 * index);
    return value >>> 0;
  }

  private writeSplit(port: number, width: Width, value: number): void {
    for (let index = 0; index < width; index += 1) this.write(port + index, 1, (value >>> (8 * index)) & 0xff);
  }
}
