// SPDX-License-Identifier: BSD-2-Clause
import { hex, high32, join64, low32, MASK64, mask, type Width } from './bits.js';
import type { Doorbell, DoorbellBoard } from './doorbells.js';
import type { BusRange, UnmappedAccess } from './port-bus.js';

/** A device's end of an MMIO range; 8-byte accesses become two 4-byte ones, low half first, unless it takes them. */
export interface MmioHandler {
  read(offset: number, width: Width): number;
  write(offset: number, width: Width, value: number): void;
  read64?(offset: number): bigint;
  write64?(offset: number, value: bigint): void;
  readonly doorbells?: readonly Doorbell[];
}

interface MmioRange extends BusRange {
  readonly handler: MmioHandler;
}

const ADDRESS_END = 2 ** 52;

/** Guest physical addresses that devices answer. Nobody's addresses read as all ones, and writes to them are dropped. */
export class MemoryBus {
  /** Told about accesses that no device answers. */
  onUnmapped: UnmappedAccess | undefined;
  /** Set before anything is registered. */
  doorbells: DoorbellBoard | null = null;
  /** Sorted by base. */
  private readonly ranges: MmioRange[] = [];
  private last: MmioRange | undefined;

  /** Returns the function that takes the range off the bus again. */
  register(name: string, base: number, length: number, handler: MmioHandler): () => void {
    const end = base + length;
    if (!Number.isSafeInteger(base) || !Number.isSafeInteger(length) || base < 0 || length < 1 || end > ADDRESS_END) {
      throw new RangeError(`addresses of ${name}: expected a range below 2^52, got ${length} from ${hex(base)}`);
    }
    const other = this.ranges.find((range) => range.base < end && base < range.end);
    if (other !== undefined)
      throw new Error(`address ${hex(Math.max(base, other.base))}: ${name} overlaps ${other.name}`);
    const range: MmioRange = { name, base, end, handler };
    this.ranges.push(range);
    this.ranges.sort((a, b) => a.base - b.base);
    const bells = this.doorbells === null ? [] : (handler.doorbells ?? []);
    const takeAway = bells.map(({ offset, width, ring }) => this.doorbells?.add(base + offset, width, ring));
    return () => {
      for (const take of takeAway) take?.();
      this.unregister(range);
    };
  }

  /** In ascending order. */
  list(): readonly BusRange[] {
    return this.ranges;
  }

  read(address: number, width: Width): number {
    const range = this.find(address);
    if (range !== undefined && address + width <= range.end) {
      return (range.handler.read(address - range.base, width) & mask(width)) >>> 0;
    }
    if (!this.isUnmapped(address, width)) return this.readSplit(address, width);
    this.onUnmapped?.(address, width, false, mask(width));
    return mask(width);
  }

  write(address: number, width: Width, value: number): void {
    const range = this.find(address);
    if (range !== undefined && address + width <= range.end) {
      range.handler.write(address - range.base, width, (value & mask(width)) >>> 0);
    } else if (this.isUnmapped(address, width)) {
      this.onUnmapped?.(address, width, true, value);
    } else {
      this.writeSplit(address, width, value);
    }
  }

  read64(address: number): bigint {
    const range = this.find(address);
    if (range?.handler.read64 !== undefined && address + 8 <= range.end) {
      return range.handler.read64(address - range.base) & MASK64;
    }
    const low = this.read(address, 4);
    return join64(low, this.read(address + 4, 4));
  }

  write64(address: number, value: bigint): void {
    const range = this.find(address);
    if (range?.handler.write64 !== undefined && address + 8 <= range.end) {
      range.handler.write64(address - range.base, value & MASK64);
      return;
    }
    this.write(address, 4, low32(value));
    this.write(address + 4, 4, high32(value));
  }

  private unregister(range: MmioRange): void {
    const index = this.ranges.indexOf(range);
    if (index >= 0) this.ranges.splice(index, 1);
    if (this.last === range) this.last = undefined;
  }

  private find(address: number): MmioRange | undefined {
    const last = this.last;
    if (last !== undefined && address >= last.base && address < last.end) return last;
    let low = 0;
    let high = this.ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const range = this.ranges[middle];
      if (range === undefined) return undefined;
      if (address < range.base) high = middle - 1;
      else if (address >= range.end) low = middle + 1;
      else {
        this.last = range;
        return range;
      }
    }
    return undefined;
  }

  private isUnmapped(address: number, width: Width): boolean {
    for (let index = 0; index < width; index += 1) {
      if (this.find(address + index) !== undefined) return false;
    }
    return true;
  }

  private readSplit(address: number, width: Width): number {
    let value = 0;
    for (let index = 0; index < width; index += 1) value |= this.read(address + index, 1) << (8 * index);
    return value >>> 0;
  }

  private writeSplit(address: number, width: Width, value: number): void {
    for (let index = 0; index < width; index += 1) this.write(address + index, 1, (value >>> (8 * index)) & 0xff);
  }
}
