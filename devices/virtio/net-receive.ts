// SPDX-License-Identifier: BSD-2-Clause
/** Frames on their way into a guest's buffers. Reference: VIRTIO-1.2 §5.1.6.3 and §5.1.6.4. */
import { blob, list, record, u8, u16 } from '../../src/core/state-fields.js';
import { type Chain, RingFault, slice, writeSpans } from './chain.js';
import { type Frame, LONGEST_FRAME } from './net-backend.js';
import { NetFeature } from './net-config.js';
import { encodeHeader } from './net-header.js';
import type { VirtioHost } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';

/** The memory of the card: what does not fit is lost, as on any network. */
export const MOST_WAITING = 256;
export const MOST_WAITING_BYTES = 256 * 1024;

const header = {
  flags: u8(),
  gsoType: u8(),
  hdrLen: u16(),
  gsoSize: u16(),
  csumStart: u16(),
  csumOffset: u16(),
};
const frameField = record({ header: record(header), bytes: blob({ max: LONGEST_FRAME }) });

export const receiveFields = {
  waiting: list(frameField, { max: MOST_WAITING, doc: 'frames for which there was no buffer' }),
};

export interface ReceiveState {
  waiting: Frame[];
}

export function waitingBytes(waiting: readonly Frame[]): number {
  return waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

export class NetReceiver {
  constructor(
    private readonly host: VirtioHost<ReceiveState>,
    private readonly headerLength: () => number,
  ) {}

  /** False if there is no room. */
  accept(queue: VirtioQueue, frame: Frame): boolean {
    const { waiting } = this.host.state();
    const isFull = waiting.length >= MOST_WAITING || waitingBytes(waiting) + frame.bytes.length > MOST_WAITING_BYTES;
    if (isFull) return false;
    waiting.push({ header: frame.header, bytes: frame.bytes.slice() });
    // With others before it, it waits for buffers as they do.
    return waiting.length > 1 || this.deliver(queue) === 0;
  }

  /** Fills buffers with what waits; tells how many frames fit into none and are lost. */
  deliver(queue: VirtioQueue): number {
    const { waiting } = this.host.state();
    let lost = 0;
    for (let [frame] = waiting; frame !== undefined; [frame] = waiting) {
      const outcome = this.fill(queue, frame);
      if (outcome === 'waits') break;
      waiting.shift();
      if (outcome === 'lost') lost += 1;
    }
    return lost;
  }

  private fill(queue: VirtioQueue, frame: Frame): 'delivered' | 'waits' | 'lost' {
    const start = queue.position;
    const chains = this.chainsFor(queue, this.headerLength() + frame.bytes.length);
    if (typeof chains === 'string') {
      queue.rewind(start);
      return chains;
    }
    const bytes = new Uint8Array(this.headerLength() + frame.bytes.length);
    bytes.set(encodeHeader(frame.header, this.headerLength(), chains.length));
    bytes.set(frame.bytes, this.headerLength());
    let done = 0;
    for (const chain of chains) {
      const part = bytes.subarray(done, done + chain.writableLength);
      writeSpans(this.host.memory, slice(chain.writable, 0, part.length), part);
      queue.use(chain, part.length);
      done += part.length;
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
