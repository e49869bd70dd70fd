// SPDX-License-Identifier: BSD-2-Clause
import type { CborValue } from './cbor-value.js';
import { StateError } from './state-error.js';
import type { AnyShape, Fields, SavedState, StateOf, StateShape } from './state-shape.js';

/** What the machine knows about each of its devices. */
export interface AnyDevice {
  readonly id: string;
  readonly shape: AnyShape;
  serialize(): SavedState;
  deserialize(saved: CborValue): void;
  reset(): void;
  pause(): void;
  isQuiet(): boolean;
  resume(): void;
  /** Why the machine cannot be saved with this device as it is; null if it can. */
  saveRefusal(): string | null;
  /** The machine may run twice from here on: what must not be there twice, such as random numbers, follows from `seed` now. */
  renew(seed: Uint8Array): void;
  /** The same for the addresses by which others know it. */
  renewAddress(seed: Uint8Array): void;
  /** The machine goes on from a snapshot: those outside may have forgotten it meanwhile. */
  rejoined(): void;
  /** Lets go of what the device has of the host's. Allowed twice. */
  close(): void;
}

/**
 * What every emulated device has: a declared state, from which saving, loading and reset follow. Everything that
 * changes lives in `state`; all other members are given to the constructor and never replaced.
 */
export abstract class Device<F extends Fields> implements AnyDevice {
  protected state: StateOf<F>;

  constructor(
    readonly id: string,
    readonly shape: StateShape<F>,
  ) {
    this.state = shape.initial();
  }

  serialize(): SavedState {
    this.requireQuiet('save');
    return this.shape.save(this.state, this.id);
  }

  /** Replaces the whole state, or throws and changes nothing. */
  deserialize(saved: CborValue): void {
    this.requireQuiet('restore');
    this.state = this.shape.load(saved, this.id);
    this.restored();
  }

  reset(): void {
    this.state = this.shape.afterReset(this.state);
    this.wasReset();
  }

  /** Stops taking new work; `isQuiet` tells when the work in flight has ended. */
  pause(): void {}

  isQuiet(): boolean {
    return true;
  }

  resume(): void {}

  saveRefusal(): string | null {
    return null;
  }

  renew(_seed: Uint8Array): void {}

  renewAddress(_seed: Uint8Array): void {}

  rejoined(): void {}

  close(): void {}

  /** Adopts interrupt levels and re-arms alarms after a restore, without edges and without host I/O. */
  protected abstract restored(): void;

  /** Drives outputs to their reset levels. */
  protected abstract wasReset(): void;

  private requireQuiet(action: string): void {
    if (!this.isQuiet()) throw new StateError(this.id, `cannot ${action} while work is in flight: pause first`);
  }
}
