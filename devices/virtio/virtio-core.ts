// SPDX-License-Identifier: BSD-2-Clause
/**
 * What every virtio device does: negotiate, keep its queues, and answer a broken rule with DEVICE_NEEDS_RESET.
 * Reference: VIRTIO-1.2 §2 and §3. The registers that lead here belong to the transport.
 */
import type { Alarm, Clock } from '../../src/core/clock.js';
import { GuestFault, type GuestMemory } from '../../src/core/guest-memory.js';
import type { Logger } from '../../src/core/log.js';
import { RingFault } from './chain.js';
import { Feature } from './features.js';
import { PackedRing } from './packed-ring.js';
import type { Ring, RingOptions } from './ring.js';
import { SplitRing } from './split-ring.js';
import { type Interface, nextStatus, Status } from './status.js';
import type { VirtioModel } from './virtio-kind.js';
import { type QueueOwner, VirtioQueue } from './virtio-queue.js';
import { freshQueue, type QueueState, type VirtioState } from './virtio-state.js';

/** VM time until queues that were left half done are looked at again. */
const WORK_PAUSE = 1000n;
const STOPPED = Status.DEVICE_NEEDS_RESET | Status.FAILED;

export interface CoreParts {
  readonly id: string;
  readonly state: () => VirtioState;
  readonly memory: GuestMemory;
  readonly clock: Clock;
  readonly log: Logger;
  /** What is offered through each interface. */
  readonly offered: Readonly<Record<Interface, bigint>>;
  readonly queueSizes: readonly number[];
  /** A device may touch memory only while the guest allows it. */
  readonly mayAccessMemory: () => boolean;
  readonly interruptQueue: (index: number) => void;
  readonly interruptConfig: () => void;
  readonly model: () => VirtioModel;
  /** The driver has reset the device. */
  readonly reset: () => void;
}

/** What follows from the features that a driver has written. */
interface Agreement {
  readonly written: bigint;
  readonly features: bigint;
  readonly isModern: boolean;
  readonly ring: Ring;
  readonly ringOptions: RingOptions;
}

export class VirtioCore implements QueueOwner {
  readonly split: SplitRing;
  readonly packed: PackedRing;
  readonly queues: readonly VirtioQueue[];
  private readonly work: Alarm;
  /** That of the last question: most of them are asked for every buffer. */
  private lastAgreement: Agreement;

  constructor(private readonly parts: CoreParts) {
    this.split = new SplitRing(parts.memory);
    this.packed = new PackedRing(parts.memory);
    this.lastAgreement = this.agreementOn(0n);
    this.queues = parts.queueSizes.map((_, index) => new VirtioQueue(this, index));
    this.work = parts.clock.alarm(parts.id, 'virtio-queues', () => this.workOn());
  }

  get state(): VirtioState {
    return this.parts.state();
  }

  get offered(): CoreParts['offered'] {
    return this.parts.offered;
  }

  get features(): bigint {
    return this.agreement.features;
  }

  /** Once VERSION_1 is accepted; before that nobody can tell. */
  get isModern(): boolean {
    return this.agreement.isModern;
  }

  get ring(): Ring {
    return this.agreement.ring;
  }

  get ringOptions(): RingOptions {
    return this.agreement.ringOptions;
  }

  queueState(index: number): QueueState {
    const queue = this.state.queues[index];
    if (queue === undefined) throw new RangeError(`${this.parts.id}: no queue ${index}`);
    return queue;
  }

  /** The queue that `queueSelect` names, for the registers behind it. */
  get selected(): QueueState | undefined {
    return this.state.queues[this.state.queueSelect];
  }

  writeStatus(value: number, via: Interface): void {
    if (value === 0) this.parts.reset();
    else this.state.status = nextStatus(this.state.status, value, via, () => this.acceptsFeatures());
    this.goOn();
  }

  /** The driver may just have allowed what pending queues wait for: with DRIVER_OK, or as it made the device bus master. */
  goOn(): void {
    if (this.queues.some((queue) => queue.isLive && queue.isStalled)) this.deferQueues();
  }

  /** §2.2.1 and §3.1.1: features are settled by FEATURES_OK, in the legacy interface by DRIVER_OK. */
  get featuresSettled(): boolean {
    return (this.state.status & (Status.FEATURES_OK | Status.DRIVER_OK)) !== 0;
  }

  writeFeatures(half: number, value: number): void {
    if (this.featuresSettled || half > 1) return;
    const shift = 32n * BigInt(half);
    const others = this.state.driverFeatures & ~(0xffff_ffffn << shift);
    this.state.driverFeatures = others | (BigInt(value) << shift);
  }

  /** §4.1.4.3.2: the driver may want a smaller ring, not a larger one. */
  resizeSelected(size: number): void {
    const queue = this.selected;
    const largest = this.parts.queueSizes[this.state.queueSelect] ?? 0;
    if (queue?.enabled === false && size >= 1 && size <= largest) queue.size = size;
  }

  /** §4.1.4.3.2: the driver has set up the selected queue. */
  enableSelected(): void {
    const queue = this.selected;
    if (queue === undefined || queue.enabled) return;
    this.guarded(() => {
      this.ring.check(queue);
      queue.enabled = true;
    });
  }

  /** §2.6.1: stops the selected queue and forgets all about it. */
  resetSelected(): void {
    const { queueSelect } = this.state;
    const queue = this.queues[queueSelect];
    if (queue === undefined || !(this.features & Feature.RING_RESET)) return;
    this.parts.model().abandon(queue);
    this.forget(queueSelect);
  }

  /** Legacy interface: the driver takes the selected queue back. */
  disableSelected(): void {
    const queue = this.queues[this.state.queueSelect];
    if (queue === undefined) return;
    this.parts.model().abandon(queue);
    const { vector } = this.queueState(queue.index);
    this.forget(queue.index);
    this.queueState(queue.index).vector = vector;
  }

  isLive(index: number): boolean {
    const { status, queues } = this.state;
    if (status & STOPPED || queues[index]?.enabled !== true) return false;
    // Legacy drivers use queues before they set DRIVER_OK (§3.1.2), and some never become bus master. Through the modern
    // interface no queue is enabled without FEATURES_OK, and so without VERSION_1.
    if (!this.isModern) return true;
    return (status & Status.DRIVER_OK) !== 0 && this.parts.mayAccessMemory();
  }

  /** A driver's notification. */
  notify(index: number): void {
    const queue = this.queues[index];
    if (queue === undefined) return;
    if (!this.isLive(index)) {
      this.keep(index);
      return;
    }
    this.queueState(index).pending = false;
    this.guarded(() => this.parts.model().process(queue));
    this.flush();
  }

  guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof RingFault || error instanceof GuestFault)) throw error;
      this.fail(error.message);
    }
  }

  /** §2.5.1 and §4.1.4.5.1: a driver that runs hears of it at once. */
  configChanged(): void {
    this.state.configGeneration = (this.state.configGeneration + 1) & 0xff;
    if (this.state.status & Status.DRIVER_OK) this.parts.interruptConfig();
  }

  flush(): void {
    this.guarded(() => {
      for (const queue of this.queues) queue.flush();
    });
  }

  interruptQueue(index: number): void {
    this.parts.interruptQueue(index);
  }

  deferQueues(): void {
    if (this.state.workAt !== null) return;
    this.state.workAt = this.parts.clock.now() + WORK_PAUSE;
    this.work.arm(this.state.workAt);
  }

  /** Arms what the state says is due, after a restore or a reset. */
  arm(): void {
    const { workAt } = this.state;
    if (workAt === null) this.work.disarm();
    else this.work.arm(workAt);
  }

  private get agreement(): Agreement {
    const { driverFeatures } = this.state;
    if (this.lastAgreement.written !== driverFeatures) this.lastAgreement = this.agreementOn(driverFeatures);
    return this.lastAgreement;
  }

  private agreementOn(written: bigint): Agreement {
    const isModern = (written & Feature.VERSION_1) !== 0n;
    const features = written & (isModern ? this.offered.modern : this.offered.legacy);
    const has = (feature: bigint): boolean => (features & feature) !== 0n;
    const ringOptions = { eventIdx: has(Feature.EVENT_IDX), indirect: has(Feature.INDIRECT_DESC) };
    return { written, features, isModern, ring: has(Feature.RING_PACKED) ? this.packed : this.split, ringOptions };
  }

  /**
   * What is told too early is not told again: Linux's balloon driver tells of its statistics before it sets DRIVER_OK
   * (against §3.1.1), and bus mastering may be off for a while.
   */
  private keep(index: number): void {
    const queue = this.queueState(index);
    if ((this.state.status & STOPPED) === 0 && queue.enabled) queue.pending = true;
  }

  private workOn(): void {
    this.state.workAt = null;
    for (const { index } of this.queues) {
      if (this.state.queues[index]?.pending) this.notify(index);
    }
  }

  private acceptsFeatures(): boolean {
    const { driverFeatures } = this.state;
    return this.isModern && (driverFeatures & ~this.offered.modern) === 0n;
  }

  private forget(index: number): void {
    Object.assign(this.queueState(index), freshQueue(this.parts.queueSizes[index] ?? 1));
  }

  /** §2.1.2: a driver that runs is told by a configuration change; one that does not will see the bit. */
  private fail(why: string): void {
    this.parts.log
      .once(`fault ${why}`)
      .warn(`${this.parts.id}: the driver broke a rule: ${why}; it must reset the device`);
    if (this.state.status & STOPPED) return;
    this.state.status |= Status.DEVICE_NEEDS_RESET;
    if (this.isModern && this.state.status & Status.DRIVER_OK) this.parts.interruptConfig();
  }
}
