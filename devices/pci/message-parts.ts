// SPDX-License-Identifier: BSD-2-Clause
import type { MsiSink } from '../../src/core/msi.js';

/** What message-signalled interrupts need of the function they belong to. */
export interface MessageParts<State> {
  readonly state: () => State;
  readonly config: () => Uint8Array;
  /** Where the capability begins; null if the function has none. */
  readonly capability: number | null;
  /** A message is a write to memory, which a function may do as bus master only. */
  readonly mayWrite: () => boolean;
  readonly sink: MsiSink;
  readonly vectors: number;
}
