// SPDX-License-Identifier: BSD-2-Clause
/** Frames on their way into a guest's buffers. Reference: VIRTIO-1.2 §5.1.6.3 and §5.1.6.4. */
import { blob, list, record, u8, u16 } from '../../src/core/state-fields.js';
import { type Chain, RingFault, slice, writeSpans } from './chain.js';
import { BATCH_FRAMES, type Frame, LONGEST_FRAME, type PacketHeader } from './net-backend.js';
import { MOST_PAIRS, NetFeature } from './net-config.js';
import { encodeHeader } from './net-header.js';
import type { VirtioHost } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';

/** The memory of the card, for all queues: what does not fit is lost, as on any network. */
const MOST_WAITING = 256;
export const MOST_WAITING_BYTES = 256 * 1024;

const header = {
  flags: u8(),
  gsoType: u8(),
  hdrLen: u16(),
  gsoSize: u16(),
  csumStart: u16(),
  csumOffset: u16(),
};
const frameField = record({
  pair: u8({ max: MOST_PAIRS - 1, doc: 'of queues; the first one is 0' }),
  header: record(header),
  bytes: blob({ max: LONGEST_FRAME }),
});

export const receiveFields = {
  waiting: list(frameField, { max: MOST_WAITING, doc: 'frames for which there was no buffer' }),
};

export interface WaitingFrame {
  pair: number;
  header: PacketHeader;
  bytes: Uint8Array;
}

export interface ReceiveState {
  waiting: WaitingFrame[];
}

export function waitingBytes(waiting: readonly Frame[]): number {
  return waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

type Outcome = 'delivered' | 'waits' | 'lost';

export class NetReceiver {
  constructor(
    private readonly host: VirtioHost<ReceiveState>,
    private readonly headerLength: () => number,
  ) {}

  /** For a batch. */
  get hasRoom(): boolean {
    const { waiting } = this.host.state();
    return waiting.length + BATCH_FRAMES <= MOST_WAITING && waitingBytes(waiting) + LONGEST_FRAME <= MOST_WAITING_BYTES;
  }

  /** False if there is no room. */
  accept(queue: VirtioQueue, pair: number, frame: Frame): boolean {
    const { waiting } = this.host.state();
    // With others before it, it waits for buffers as they do.
    const isFirst = waiting.every((other) => other.pair !== pair);
    const outcome = isFirst ? this.fill(queue, frame) : 'waits';
    if (outcome !== 'waits') return outcome === 'delivered';
    const isFull = waiting.length >= MOST_WAITING || waitingBytes(waiting) + frame.bytes.length > MOST_WAITING_BYTES;
    if (!isFull) waiting.push({ pair, header: frame.header, bytes: frame.bytes.slice() });
    return !isFull;
  }

  /** Fills buffers with what waits for them; tells how many frames fit into none and are lost. */
  deliver(queue: VirtioQueue, pair: number): number {
    const state = this.host.state();
    let lost = 0;
    const done = new Set<WaitingFrame>();
    for (const frame of state.waiting) {
      if (frame.pair !== pair) continue;
      const outcome = this.fill(queue, frame);
      if (outcome === 'waits') break;
      done.add(frame);
      if (outcome === 'lost') lost += 1;
    }
    if (done.size > 0) state.waiting = state.waiting.filter((frame) => !done.has(frame));
    return lost;
  }

  private fill(queue: VirtioQueue, { header: asked, bytes }: Frame): Outcome {
    const start = queue.position;
    const length = this.headerLength() + bytes.length;
    const chains = this.chainsFor(queue, length);
    if (typeof chains === 'string') {
      queue.rewind(start);
      return chains;
    }
    const head = encodeHeader(asked, this.headerLength(), chains.length);
    let done = 0;
    for (const chain of chains) {
      const count = Math.min(chain.writableLength, length - done);
      const headPart = done === 0 ? head.length : 0;
      if (headPart > 0) writeSpans(this.host.memory, slice(chain.writable, 0, headPart), head);
      const from = done + headPart - head.length;
      const part = bytes.subarray(from, from + count - headPart);
      writeSpans(this.host.memory, slice(chain.writable, headPart, part.length), part);
      queue.use(chain, count);
      done += count;
    }
    return 'delivered';
  }

  /** Buffers that hold so many bytes together. They are put back by the caller if that is not possible. */
  private chainsFor(queue: VirtioQueue, length: number): Chain[] | 'waits' | 'lost' {
    const mayMerge = (this.host.features & NetFeature.MRG_RXBUF) !== 0n;
    const chains: Chain[] = [];
    let room = 0;
    let slots = 0;
    while (room < length) {
      // A frame that does not fit into all buffers there can be would block those behind it for ever.
      if (slots >= queue.size || (!mayMerge && chains.length > 0)) return 'lost';
      const chain = queue.take();
      if (chain === null) return 'waits';
      if (chain.writableLength < this.headerLength()) {
        throw new RingFault(`a receive buffer of ${chain.writableLength} bytes, less than a header`);
      }
      chains.push(chain);
      room += chain.writableLength;
      slots += chain.slots;
    }
    return chains;
  }
}
