// SPDX-License-Identifier: BSD-2-Clause
/** Frames on their way into a guest's buffers. Reference: VIRTIO-1.2 §5.1.6.3 and §5.1.6.4. */
import { blob, list, record, u8, u16 } from '../../src/core/state-fields.js';
import { type Chain, RingFault, writeSpans } from './chain.js';
import type { NetAgreement } from './net-agreement.js';
import { BATCH_FRAMES, type Frame, LONGEST_FRAME, type PacketHeader } from './net-backend.js';
import { MOST_PAIRS } from './net-config.js';
import { COMPLETE, encodeHeader, HEADER, LEGACY_HEADER } from './net-header.js';
import type { UsedBuffer } from './ring.js';
import type { VirtioHost } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';

/** The memory of the card, for all queues: what does not fit is lost, as on any network. */
const MOST_WAITING = 256;
export const MOST_WAITING_BYTES = 256 * 1024;
/** That a frame may be spread over, and after which the other frames wait a moment: tables can make buffers long. */
const MOST_DESCRIPTORS = 1024;

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

interface Attempt {
  readonly outcome: Outcome;
  /** Buffers that were looked at, and how many descriptors they have. */
  readonly chains: readonly Chain[];
  readonly descriptors: number;
}

export class NetReceiver {
  private readonly longHead = new Uint8Array(HEADER);
  private readonly shortHead = this.longHead.subarray(0, LEGACY_HEADER);

  constructor(
    private readonly host: VirtioHost<ReceiveState>,
    private readonly agreed: () => NetAgreement,
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
    const outcome = isFirst ? this.fill(queue, frame).outcome : 'waits';
    if (outcome !== 'waits') return outcome === 'delivered';
    const isFull = waiting.length >= MOST_WAITING || waitingBytes(waiting) + frame.bytes.length > MOST_WAITING_BYTES;
    if (!isFull) waiting.push({ pair, header: frame.header, bytes: frame.bytes.slice() });
    return !isFull;
  }

  /** Fills buffers with what waits for them; tells how many frames fit into none and are lost. */
  deliver(queue: VirtioQueue, pair: number): number {
    const state = this.host.state();
    let lost = 0;
    let left = MOST_DESCRIPTORS;
    const done = new Set<WaitingFrame>();
    for (const frame of state.waiting) {
      if (frame.pair !== pair) continue;
      if (left <= 0) {
        queue.defer();
        break;
      }
      const { outcome, descriptors } = this.fill(queue, frame);
      if (outcome === 'waits') break;
      done.add(frame);
      if (outcome === 'lost') lost += 1;
      left -= descriptors;
    }
    if (done.size > 0) state.waiting = state.waiting.filter((frame) => !done.has(frame));
    return lost;
  }

  private fill(queue: VirtioQueue, frame: Frame): Attempt {
    const start = queue.position;
    const agreed = this.agreed();
    const attempt = this.attempt(queue, agreed, agreed.headerLength + frame.bytes.length);
    const { outcome, chains } = attempt;
    if (outcome === 'delivered') this.write(queue, chains, frame);
    else if (outcome === 'lost' && agreed.mayMerge) this.giveBack(queue, chains);
    else queue.rewind(start);
    return attempt;
  }

  private write(queue: VirtioQueue, chains: readonly Chain[], { header: asked, bytes }: Frame): void {
    const { memory } = this.host;
    const head = this.head(asked, chains.length);
    const used: UsedBuffer[] = [];
    let done = 0;
    for (const chain of chains) {
      const before = used.length === 0 ? writeSpans(memory, chain.writable, head) : 0;
      const count = writeSpans(memory, chain.writable, done === 0 ? bytes : bytes.subarray(done), before);
      used.push({ chain, written: before + count });
      done += count;
    }
    // §5.1.6.3.2: a driver that finds the first one takes `num_buffers` of them.
    queue.useTogether(used);
  }

  /**
   * As frames of no bytes, which every driver throws away: without an act of the guest they must not be looked at again,
   * for each frame that comes.
   */
  private giveBack(queue: VirtioQueue, chains: readonly Chain[]): void {
    const empty = this.head(COMPLETE, 1);
    for (const chain of chains) queue.use(chain, writeSpans(this.host.memory, chain.writable, empty));
  }

  /** Until the next one is asked for. */
  private head(header: PacketHeader, buffers: number): Uint8Array {
    const head = this.agreed().headerLength === HEADER ? this.longHead : this.shortHead;
    encodeHeader(header, head, buffers);
    return head;
  }

  /** Takes buffers that hold so many bytes together, or fewer if that is not possible. */
  private attempt(queue: VirtioQueue, { mayMerge, headerLength }: NetAgreement, length: number): Attempt {
    const chains: Chain[] = [];
    let [room, slots, descriptors] = [0, 0, 0];
    while (room < length) {
      // A frame that does not fit into all buffers there can be would block those behind it for ever.
      const isTooLong = slots >= queue.size || descriptors >= MOST_DESCRIPTORS || (!mayMerge && chains.length > 0);
      const chain = isTooLong ? null : queue.take();
      if (chain === null) return { outcome: isTooLong ? 'lost' : 'waits', chains, descriptors };
      if (chain.writableLength < headerLength) {
        throw new RingFault(`a receive buffer of ${chain.writableLength} bytes, less than a header`);
      }
      chains.push(chain);
      room += chain.writableLength;
      slots += chain.slots;
      descriptors += chain.readable.length + chain.writable.length;
    }
    return { outcome: 'delivered', chains, descriptors };
  }
}
