// SPDX-License-Identifier: BSD-2-Clause
/** The split ring: a descriptor table, a ring of available buffers and one of used buffers. Reference: VIRTIO-1.2 §2.7. */
import { isPowerOfTwo, u16 } from '../../src/core/bits.js';
import type { GuestMemory } from '../../src/core/guest-memory.js';
import {
  type Chain,
  ChainBuilder,
  checkedAddress,
  DESC_INDIRECT,
  DESC_NEXT,
  DESCRIPTOR_SIZE,
  type Descriptor,
  indirectCount,
  RingFault,
} from './chain.js';
import { area, passes, type Ring, type RingOptions, type UsedBuffer } from './ring.js';
import type { QueueState } from './virtio-state.js';

const NO_INTERRUPT = 0x1;
const USED_ELEMENT = 8;
const INDEX = 2;
const RING = 4;

interface SplitDescriptor extends Descriptor {
  readonly next: number;
}

export class SplitRing implements Ring {
  constructor(private readonly memory: GuestMemory) {}

  check({ size, descriptors, driver, device }: QueueState): void {
    if (!isPowerOfTwo(size)) throw new RingFault(`a split ring of ${size} descriptors, which is not a power of two`);
    area(this.memory, descriptors, DESCRIPTOR_SIZE * size, 16);
    area(this.memory, driver, RING + 2 * size + 2, 2);
    area(this.memory, device, RING + USED_ELEMENT * size + 2, 4);
  }

  take(queue: QueueState, options: RingOptions): Chain | null {
    const { size, available } = queue;
    const driver = Number(queue.driver);
    const waiting = u16(this.memory.atomicReadU16(driver + INDEX) - available);
    if (waiting === 0) return null;
    if (waiting > size) throw new RingFault(`${waiting} available buffers in a ring of ${size}`);
    const head = this.memory.readU16(driver + RING + 2 * (available % size));
    const chain = this.walk(Number(queue.descriptors), head, size, options);
    queue.available = u16(available + 1);
    return chain;
  }

  askForKick(queue: QueueState, { eventIdx }: RingOptions): void {
    if (!eventIdx) return;
    this.memory.atomicWriteU16(Number(queue.device) + RING + USED_ELEMENT * queue.size, queue.available);
  }

  use(queue: QueueState, buffers: readonly UsedBuffer[]): void {
    const device = Number(queue.device);
    for (const { chain, written } of buffers) {
      const element = device + RING + USED_ELEMENT * (queue.used % queue.size);
      this.memory.writeU32(element, chain.head);
      this.memory.writeU32(element + 4, written);
      queue.used = u16(queue.used + 1);
    }
    this.memory.atomicWriteU16(device + INDEX, queue.used);
  }

  wantsInterrupt(queue: QueueState, { eventIdx }: RingOptions): boolean {
    const driver = Number(queue.driver);
    if (!eventIdx) return (this.memory.atomicReadU16(driver) & NO_INTERRUPT) === 0;
    const event = this.memory.atomicReadU16(driver + RING + 2 * queue.size);
    return passes(event, queue.used, queue.signalled, 0x10000);
  }

  private walk(table: number, head: number, size: number, { indirect }: RingOptions): Chain {
    const builder = new ChainBuilder(this.memory, size);
    let descriptor = this.read(table, head, size);
    for (;;) {
      if (descriptor.flags & DESC_INDIRECT) {
        this.walkIndirect(builder, descriptor, indirect);
        return builder.chain(head, 1);
      }
      builder.add(descriptor);
      if (!(descriptor.flags & DESC_NEXT)) return builder.chain(head, 1);
      descriptor = this.read(table, descriptor.next, size);
    }
  }

  /** A chain may begin in the ring's own table and end in an indirect one (§2.7.5.3.2). */
  private walkIndirect(builder: ChainBuilder, descriptor: SplitDescriptor, allowed: boolean): void {
    const count = indirectCount(descriptor, allowed, DESC_NEXT);
    const table = checkedAddress(this.memory, descriptor, descriptor.length);
    let entry = this.read(table, 0, count);
    for (;;) {
      if (entry.flags & DESC_INDIRECT) throw new RingFault('an indirect table in an indirect table');
      builder.add(entry);
      if (!(entry.flags & DESC_NEXT)) return;
      entry = this.read(table, entry.next, count);
    }
  }

  private read(table: number, index: number, count: number): SplitDescriptor {
    if (index >= count) throw new RingFault(`descriptor ${index} of a table of ${count}`);
    const at = table + DESCRIPTOR_SIZE * index;
    return {
      addressLow: this.memory.readU32(at),
      addressHigh: this.memory.readU32(at + 4),
      length: this.memory.readU32(at + 8),
      flags: this.memory.readU16(at + 12),
      next: this.memory.readU16(at + 14),
    };
  }
}
