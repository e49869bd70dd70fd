// SPDX-License-Identifier: BSD-2-Clause
/**
 * The packed ring: one ring of descriptors that both sides write. Reference: VIRTIO-1.2 §2.8. Positions run from 0 to
 * twice the size: in the second half the wrap counter is 0.
 */
import type { GuestMemory } from '../../src/core/guest-memory.js';
import {
  type Chain,
  ChainBuilder,
  checkedAddress,
  DESC_INDIRECT,
  DESC_NEXT,
  DESC_WRITE,
  DESCRIPTOR_SIZE,
  type Descriptor,
  indirectCount,
  RingFault,
} from './chain.js';
import { area, passes, type Ring, type RingOptions, type UsedBuffer } from './ring.js';
import { MAX_QUEUE_SIZE, type QueueState } from './virtio-state.js';

const AVAILABLE = 0x0080;
const USED = 0x8000;
const LENGTH = 8;
const ID = 12;
const FLAGS = 14;

/** Event suppression structure (§2.8.14): offset and wrap counter, then what is wanted. */
const EVENT_SIZE = 4;
const EVENT_FLAGS = 2;
const EVENT_WRAP = 0x8000;
const EVENTS_OFF = 1;
const EVENTS_AT = 2;

interface PackedDescriptor extends Descriptor {
  readonly id: number;
}

export class PackedRing implements Ring {
  constructor(private readonly memory: GuestMemory) {}

  check({ size, descriptors, driver, device }: QueueState): void {
    if (size === 0 || size > MAX_QUEUE_SIZE) throw new RingFault(`a packed ring of ${size} descriptors`);
    area(this.memory, descriptors, DESCRIPTOR_SIZE * size, 16);
    area(this.memory, driver, EVENT_SIZE, 4);
    area(this.memory, device, EVENT_SIZE, 4);
  }

  take(queue: QueueState, { indirect }: RingOptions): Chain | null {
    const { size } = queue;
    if (!this.isAvailable(queue, queue.available)) return null;
    const builder = new ChainBuilder(this.memory, size);
    for (let slots = 1; ; slots += 1) {
      const descriptor = this.read(queue, (queue.available + slots - 1) % size);
      if (descriptor.flags & DESC_INDIRECT) {
        if (slots > 1) throw new RingFault('an indirect descriptor inside a chain'); // §2.8.7
        this.walkIndirect(builder, descriptor, indirect);
      } else {
        builder.add(descriptor);
      }
      if (!(descriptor.flags & DESC_NEXT)) {
        queue.available = (queue.available + slots) % (2 * size);
        return builder.chain(descriptor.id, slots);
      }
    }
  }

  askForKick(queue: QueueState, { eventIdx }: RingOptions): void {
    if (!eventIdx) return;
    const { size, available } = queue;
    const device = Number(queue.device);
    this.memory.atomicWriteU16(device, (available % size) | (available < size ? EVENT_WRAP : 0));
    this.memory.atomicWriteU16(device + EVENT_FLAGS, EVENTS_AT);
  }

  use(queue: QueueState, buffers: readonly UsedBuffer[]): void {
    const { size } = queue;
    const flags: { at: number; value: number }[] = [];
    for (const { chain, written } of buffers) {
      const { used } = queue;
      const at = Number(queue.descriptors) + DESCRIPTOR_SIZE * (used % size);
      this.memory.writeU32(at + LENGTH, written);
      this.memory.writeU16(at + ID, chain.head);
      const wrap = used < size ? AVAILABLE | USED : 0;
      flags.push({ at: at + FLAGS, value: wrap | (written > 0 ? DESC_WRITE : 0) });
      queue.used = (used + chain.slots) % (2 * size);
    }
    // They hand a descriptor over, and the driver waits at the first one: it goes last.
    for (const { at, value } of flags.reverse()) this.memory.atomicWriteU16(at, value);
  }

  wantsInterrupt(queue: QueueState, { eventIdx }: RingOptions): boolean {
    const { size } = queue;
    const driver = Number(queue.driver);
    const flags = this.memory.atomicReadU16(driver + EVENT_FLAGS) & 3;
    if (flags === EVENTS_OFF) return false;
    if (flags !== EVENTS_AT || !eventIdx) return true;
    const wanted = this.memory.atomicReadU16(driver);
    const event = (wanted & ~EVENT_WRAP) + (wanted & EVENT_WRAP ? 0 : size);
    return passes(event, queue.used, queue.signalled, 2 * size);
  }

  /** §2.8.1: the two flags differ, and the first is the wrap counter with which the driver writes. */
  private isAvailable({ descriptors, size }: QueueState, position: number): boolean {
    const flags = this.memory.atomicReadU16(Number(descriptors) + DESCRIPTOR_SIZE * (position % size) + FLAGS);
    const wrap = position < size;
    return ((flags & AVAILABLE) !== 0) === wrap && ((flags & USED) !== 0) !== wrap;
  }

  private walkIndirect(builder: ChainBuilder, descriptor: PackedDescriptor, allowed: boolean): void {
    const count = indirectCount(descriptor, allowed, DESC_NEXT);
    const table = checkedAddress(this.memory, descriptor, descriptor.length);
    for (let index = 0; index < count; index += 1) {
      const entry = this.readAt(table + DESCRIPTOR_SIZE * index);
      if (entry.flags & DESC_INDIRECT) throw new RingFault('an indirect table in an indirect table');
      builder.add(entry);
    }
  }

  private read({ descriptors }: QueueState, index: number): PackedDescriptor {
    return this.readAt(Number(descriptors) + DESCRIPTOR_SIZE * index);
  }

  private readAt(at: number): PackedDescriptor {
    return {
      addressLow: this.memory.readU32(at),
      addressHigh: this.memory.readU32(at + 4),
      length: this.memory.readU32(at + LENGTH),
      id: this.memory.readU16(at + ID),
      flags: this.memory.readU16(at + FLAGS),
    };
  }
}
