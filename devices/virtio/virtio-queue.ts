// SPDX-License-Identifier: BSD-2-Clause
/** One queue as a device sees it: buffers come out, used buffers go back. */
import type { Chain, ChainId } from './chain.js';
import type { Ring, RingOptions, UsedBuffer } from './ring.js';
import type { QueueState } from './virtio-state.js';

/** In one turn, which ends after the buffer that comes to them: tables can make each as long as the ring. */
const MOST_DESCRIPTORS = 4096;

/** What a queue needs of the device around it. */
export interface QueueOwner {
  queueState(index: number): QueueState;
  /** False while buffers must be left alone: before DRIVER_OK, after a fault, on a queue that is not enabled. */
  isLive(index: number): boolean;
  /** As the driver has agreed on them. */
  readonly ring: Ring;
  readonly ringOptions: RingOptions;
  interruptQueue(index: number): void;
  /** Looks at the queue again a little later. */
  deferQueues(): void;
}

/** What else ends a device's turn at a queue. */
export interface TurnLimits {
  /** False when it has done enough for now. */
  readonly mayGoOn?: () => boolean;
  /** True when it has no room for another buffer: it looks again once it has. */
  readonly isFull?: () => boolean;
}

export class VirtioQueue {
  constructor(
    private readonly owner: QueueOwner,
    readonly index: number,
  ) {}

  /** Descriptors in the ring, as the driver wants it. */
  get size(): number {
    return this.state.size;
  }

  /** Whether a driver uses it. */
  get isLive(): boolean {
    return this.owner.isLive(this.index);
  }

  /** Whether a driver has set it up; it may keep the device away from it for now. */
  get isSetUp(): boolean {
    return this.state.enabled;
  }

  /** How far buffers have been taken. */
  get position(): number {
    return this.state.available;
  }

  /** Puts buffers back that were taken since then, none of them used. */
  rewind(position: number): void {
    this.state.available = position;
  }

  /** The next available buffer; null if there is none, and the driver will then tell of the next one. */
  take(): Chain | null {
    if (!this.owner.isLive(this.index)) return null;
    const { state } = this;
    const { ring, ringOptions } = this.owner;
    const first = ring.take(state, ringOptions);
    if (first !== null) return first;
    ring.askForKick(state, ringOptions);
    // The driver may have added one just before it could see that (VIRTIO-1.2 §2.7.10.1).
    return ring.take(state, ringOptions);
  }

  /** Handles at most so many buffers; the rest waits a moment, so that a guest cannot hold the thread. */
  takeSome(most: number, handle: (chain: Chain) => void, { mayGoOn, isFull }: TurnLimits = {}): void {
    let descriptors = 0;
    for (let count = 0; count < most && descriptors < MOST_DESCRIPTORS && mayGoOn?.() !== false; count += 1) {
      if (isFull?.() === true) {
        this.stall();
        return;
      }
      const chain = this.take();
      if (chain === null) return;
      descriptors += chain.readable.length + chain.writable.length;
      handle(chain);
    }
    this.defer();
  }

  /** Gives a buffer back. The driver hears of it at the next `flush`. */
  use(chain: ChainId, written: number): void {
    this.useTogether([{ chain, written }]);
  }

  /** Gives buffers back that mean something only together: no vCPU sees a part of them. */
  useTogether(buffers: readonly UsedBuffer[]): void {
    if (this.owner.isLive(this.index)) this.owner.ring.use(this.state, buffers);
  }

  /** Interrupts the driver if it wants to know what was used. */
  flush(): void {
    const { state, owner } = this;
    if (state.used === state.signalled || !owner.isLive(this.index)) return;
    const wanted = owner.ring.wantsInterrupt(state, owner.ringOptions);
    state.signalled = state.used;
    if (wanted) owner.interruptQueue(this.index);
  }

  /** The device looks at the queue again a moment later. */
  defer(): void {
    this.state.pending = true;
    this.owner.deferQueues();
  }

  /** There are more buffers than the device can have at once: it looks again when it has room. */
  stall(): void {
    this.state.pending = true;
  }

  get isStalled(): boolean {
    return this.state.pending;
  }

  private get state(): QueueState {
    return this.owner.queueState(this.index);
  }
}
