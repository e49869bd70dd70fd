// SPDX-License-Identifier: BSD-2-Clause
/** Writes that a device is told of later, so that the processor which makes them need not wait. */
import type { Width } from './bits.js';

/** Several writes may be told of as one; what was written is not told. */
export interface Doorbell {
  /** From the start of the handler's range. */
  readonly offset: number;
  /** Writes of another width come to the handler as all others do. */
  readonly width: Width;
  readonly ring: () => void;
}

/** Where doorbells are hung up. Without one every write comes to its handler. */
export interface DoorbellBoard {
  /** `ring` runs on the machine's thread. Returns the function that takes the doorbell away again. */
  add(address: number, width: Width, ring: () => void): () => void;
}
