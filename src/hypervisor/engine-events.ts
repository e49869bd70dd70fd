// SPDX-License-Identifier: BSD-2-Clause
/** What native threads have to say to the machine's thread, and how that sleeps meanwhile. native/hostio/event_queue.h. */

export interface EngineEvent {
  /** Whose handler takes it. */
  readonly source: number;
  /** What the handler knows it by. */
  readonly token: number;
  readonly result: number;
}

export interface EngineEvents {
  /** Events and wakes so far, modulo 2^32: taken before looking for work, and given to `wait`, it loses no wake. */
  readonly wakes: number;
  /** Sleeps until there is a wake that is not among the `seen` ones, at most so long. */
  wait(seen: number, milliseconds: number): void;
  /** True once an event of this source is there; waits for it at most so long. */
  waitFor(source: number, milliseconds: number): boolean;
  /** The oldest event, of one source or of all; null if there is none. */
  take(source?: number): EngineEvent | null;
}
