// SPDX-License-Identifier: BSD-2-Clause
/** The driver's side of both ring formats, in guest memory. */
import type { GuestMemory } from '../../src/core/guest-memory.js';

export const NEXT = 1;
export const WRITE = 2;
export const INDIRECT = 4;

export interface Buffer {
  readonly address: number;
  readonly length: number;
}

export interface Used {
  readonly id: number;
  readonly length: number;
}

export interface RingPlace {
  readonly size: number;
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
}

export interface DriverRing extends RingPlace {
  /** Makes a buffer available; answers its id. `table` puts the descriptors into an indirect table there. */
  add(out: readonly Buffer[], into: readonly Buffer[], table?: number): number;
  used(): Used[];
  /** Whether the device wants to be told of what was added since the last question. */
  needsKick(): boolean;
  /** Asks for an interrupt when `count` more buffers are used (0: at every one), or for none. */
  interruptAfter(count: number | null): void;
}

interface Entry {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
}

function entries(out: readonly Buffer[], into: readonly Buffer[]): Entry[] {
  const all = [...out.map((b) => ({ ...b, flags: 0 })), ...into.map((b) => ({ ...b, flags: WRITE }))];
  return all.map((entry, index) => ({ ...entry, flags: entry.flags | (index < all.length - 1 ? NEXT : 0) }));
}

export class SplitDriver implements DriverRing {
  readonly size: number;
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
  private readonly free: number[];
  private readonly chains = new Map<number, number[]>();
  private added = 0;
  private asked = 0;
  private seen = 0;

  constructor(
    private readonly memory: GuestMemory,
    place: RingPlace,
    private readonly eventIdx: boolean,
  ) {
    ({ size: this.size, descriptors: this.descriptors, driver: this.driver, device: this.device } = place);
    this.free = Array.from({ length: this.size }, (_, index) => index);
  }

  add(out: readonly Buffer[], into: readonly Buffer[], table?: number): number {
    const list = entries(out, into);
    const places = this.free.splice(0, table === undefined ? list.length : 1);
    const head = places[0] ?? 0;
    this.chains.set(head, places);
    if (table === undefined) {
      list.forEach((entry, index) => {
        this.describe(this.descriptors, places[index] ?? 0, entry, places[index + 1] ?? 0);
      });
    } else {
      list.forEach((entry, index) => {
        this.describe(table, index, entry, index + 1);
      });
      this.describe(this.descriptors, head, { address: table, length: 16 * list.length, flags: INDIRECT }, 0);
    }
    this.offer(head);
    return head;
  }

  /** Writes one descriptor, as it is. */
  describe(table: number, index: number, { address, length, flags }: Entry, next: number): void {
    this.memory.writeU64(table + 16 * index, BigInt(address));
    this.memory.writeU32(table + 16 * index + 8, length);
    this.memory.writeU16(table + 16 * index + 12, flags);
    this.memory.writeU16(table + 16 * index + 14, next);
  }

  /** Makes a chain available. */
  offer(head: number): void {
    this.memory.writeU16(this.driver + 4 + 2 * (this.added % this.size), head);
    this.added = (this.added + 1) & 0xffff;
    this.memory.writeU16(this.driver + 2, this.added);
  }

  used(): Used[] {
    const list: Used[] = [];
    for (; this.seen !== this.memory.readU16(this.device + 2); this.seen = (this.seen + 1) & 0xffff) {
      const at = this.device + 4 + 8 * (this.seen % this.size);
      const id = this.memory.readU32(at);
      this.free.push(...(this.chains.get(id) ?? []));
      this.chains.delete(id);
      list.push({ id, length: this.memory.readU32(at + 4) });
    }
    return list;
  }

  needsKick(): boolean {
    const before = this.asked;
    this.asked = this.added;
    if (!this.eventIdx) return (this.memory.readU16(this.device) & 1) === 0;
    const event = this.memory.readU16(this.device + 4 + 8 * this.size);
    return ((this.added - event - 1) & 0xffff) < ((this.added - before) & 0xffff);
  }

  interruptAfter(count: number | null): void {
    if (this.eventIdx) {
      this.memory.writeU16(this.driver + 4 + 2 * this.size, (this.seen + (count ?? 0x8000)) & 0xffff);
    } else {
      this.memory.writeU16(this.driver, count === null ? 1 : 0);
    }
  }
}

export class PackedDriver implements DriverRing {
  readonly size: number;
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
  /** Positions run through both laps. */
  private added = 0;
  private asked = 0;
  private seen = 0;
  private nextId = 0;
  private readonly slots = new Map<number, number>();

  constructor(
    private readonly memory: GuestMemory,
    place: RingPlace,
    private readonly eventIdx: boolean,
  ) {
    ({ size: this.size, descriptors: this.descriptors, driver: this.driver, device: this.device } = place);
  }

  add(out: readonly Buffer[], into: readonly Buffer[], table?: number): number {
    const list = entries(out, into);
    const id = this.nextId;
    this.nextId = (this.nextId + 1) % this.size;
    if (table === undefined) {
      this.place(list, id);
    } else {
      list.forEach(({ address, length, flags }, index) => {
        this.write(table + 16 * index, { address, length, flags: flags & WRITE }, 0);
      });
      this.place([{ address: table, length: 16 * list.length, flags: INDIRECT }], id);
    }
    return id;
  }

  /** Puts descriptors into the ring, as they are. */
  place(list: readonly Entry[], id: number): void {
    this.slots.set(id, list.length);
    // The first one's flags hand the chain over, so they come last.
    for (let index = list.length - 1; index >= 0; index -= 1) {
      const position = (this.added + index) % (2 * this.size);
      const entry = list[index] ?? { address: 0, length: 0, flags: 0 };
      const lap = position < this.size ? 0x0080 : 0x8000;
      this.write(this.descriptors + 16 * (position % this.size), { ...entry, flags: entry.flags | lap }, id);
    }
    this.added = (this.added + list.length) % (2 * this.size);
  }

  used(): Used[] {
    const list: Used[] = [];
    for (;;) {
      const at = this.descriptors + 16 * (this.seen % this.size);
      const flags = this.memory.readU16(at + 14);
      const [available, done] = [(flags & 0x0080) !== 0, (flags & 0x8000) !== 0];
      if (available !== done || done !== this.seen < this.size) return list;
      const id = this.memory.readU16(at + 12);
      list.push({ id, length: this.memory.readU32(at + 8) });
      this.seen = (this.seen + (this.slots.get(id) ?? 1)) % (2 * this.size);
    }
  }

  needsKick(): boolean {
    const before = this.asked;
    this.asked = this.added;
    const [wrapped, flags] = [this.memory.readU16(this.device), this.memory.readU16(this.device + 2) & 3];
    if (flags === 1) return false;
    if (flags !== 2 || !this.eventIdx) return true;
    const laps = 2 * this.size;
    const event = (wrapped & 0x7fff) + (wrapped & 0x8000 ? 0 : this.size);
    return (this.added - event - 1 + 2 * laps) % laps < (this.added - before + laps) % laps;
  }

  interruptAfter(count: number | null): void {
    this.memory.writeU16(this.driver + 2, count === null ? 1 : this.eventIdx ? 2 : 0);
    if (count === null || !this.eventIdx) return;
    const at = (this.seen + count) % (2 * this.size);
    this.memory.writeU16(this.driver, (at % this.size) | (at < this.size ? 0x8000 : 0));
  }

  private write(at: number, { address, length, flags }: Entry, id: number): void {
    this.memory.writeU64(at, BigInt(address));
    this.memory.writeU32(at + 8, length);
    this.memory.writeU16(at + 12, id);
    this.memory.writeU16(at + 14, flags);
  }
}
