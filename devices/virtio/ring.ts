// SPDX-License-Identifier: BSD-2-Clause
import type { GuestMemory } from '../../src/core/guest-memory.js';
import { type Chain, type ChainId, RingFault } from './chain.js';
import type { QueueState } from './virtio-state.js';

/** What was negotiated about a ring. */
export interface RingOptions {
  readonly eventIdx: boolean;
  readonly indirect: boolean;
}

/** A buffer that goes back to the driver, with the bytes that were written into it. */
export interface UsedBuffer {
  readonly chain: ChainId;
  readonly written: number;
}

/** One of the two ring formats, working on memory and the indices of a queue. */
export interface Ring {
  /** Refuses addresses and sizes that this format cannot work with. */
  check(queue: QueueState): void;
  /** The next available buffer, or null. */
  take(queue: QueueState, options: RingOptions): Chain | null;
  /** Asks the driver to tell about the next buffer. */
  askForKick(queue: QueueState, options: RingOptions): void;
  /** The driver, which may look at any time, sees all of them or none. */
  use(queue: QueueState, buffers: readonly UsedBuffer[]): void;
  /** Whether the driver wants to hear of what was used since it was last told. */
  wantsInterrupt(queue: QueueState, options: RingOptions): boolean;
}

/** An area of a ring: where it is, after a check that all of it is memory, aligned as the format wants it. */
export function area(memory: GuestMemory, address: bigint, length: number, alignment: number): number {
  const at = Number(address);
  if (at % alignment !== 0) throw new RingFault(`a ring at 0x${address.toString(16)}, not a multiple of ${alignment}`);
  if (!memory.contains(at, length)) throw new RingFault(`a ring at 0x${address.toString(16)}, which is not memory`);
  return at;
}

/**
 * VIRTIO-1.2 §2.7.7.2 and §2.8.10: the driver asks to be told when the ring passes `event`. All are positions modulo
 * `modulus`.
 */
export function passes(event: number, used: number, signalled: number, modulus: number): boolean {
  const behind = (((used - event - 1) % modulus) + modulus) % modulus;
  const since = (((used - signalled) % modulus) + modulus) % modulus;
  return behind < since;
}
