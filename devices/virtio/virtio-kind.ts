// SPDX-License-Identifier: BSD-2-Clause
/**
 * What a kind of virtio device is to the transport, and what the transport gives it. A device knows queues, features and
 * its own configuration bytes; how a driver reaches them is none of its business.
 */
import type { Width } from '../../src/core/bits.js';
import type { Clock } from '../../src/core/clock.js';
import type { GuestMemory } from '../../src/core/guest-memory.js';
import type { Field, Fields } from '../../src/core/state-fields.js';
import type { StateOf, StateShape } from '../../src/core/state-shape.js';
import type { MsiState } from '../pci/msi.js';
import type { MsixState } from '../pci/msix.js';
import type { VirtioQueue } from './virtio-queue.js';
import type { VirtioState } from './virtio-state.js';

/** The part of a function's state that every virtio device has; what else there is belongs to its kind. */
export type VirtioPciFields = Fields & {
  readonly config: Field<Uint8Array>;
  readonly msi: Field<MsiState>;
  readonly msix: Field<MsixState>;
  readonly virtio: Field<VirtioState>;
};

/** What a device may do to the world. */
export interface VirtioHost<State> {
  readonly id: string;
  readonly memory: GuestMemory;
  readonly clock: Clock;
  /** The state of this moment: a restore replaces it. */
  state(): State;
  /** What driver and device have agreed on. */
  readonly features: bigint;
  queue(index: number): VirtioQueue;
  /** Lets `work` deal with what the driver has written: a rule that it breaks costs the driver a reset. */
  guarded(work: () => void): void;
  /** The driver is to read the configuration again. */
  configChanged(): void;
  /** Looks at a queue as if the driver had told of a buffer. */
  process(queue: number): void;
}

/** A device behind the transport. What it does not say otherwise, it does not have. */
export abstract class VirtioModel {
  /** There may be buffers in this queue. */
  abstract process(queue: VirtioQueue): void;

  /** Reads bytes of the device configuration; an offset past its end reads as 0. */
  readConfig(_offset: number, _width: Width): number {
    return 0;
  }

  writeConfig(_offset: number, _width: Width, _value: number): void {}

  /** What is in flight for this queue must leave guest memory alone from now on. */
  abandon(_queue: VirtioQueue): void {}

  /** The driver starts anew. */
  reset(): void {}

  /** Re-arms alarms after a restore. */
  restored(): void {}

  pause(): void {}

  isQuiet(): boolean {
    return true;
  }

  saveRefusal(): string | null {
    return null;
  }

  renew(_seed: Uint8Array): void {}

  renewAddress(_seed: Uint8Array): void {}

  rejoined(): void {}

  close(): void {}
}

export interface VirtioKind<F extends VirtioPciFields, M extends VirtioModel = VirtioModel> {
  /** VIRTIO-1.2 §5: device type. */
  readonly type: number;
  readonly classCode: number;
  /** Its own feature bits. */
  readonly features: bigint;
  readonly queueSizes: readonly number[];
  /** Bytes. */
  readonly configLength: number;
  shape(common: VirtioPciFields): StateShape<F>;
  create(host: VirtioHost<StateOf<F>>): M;
}
