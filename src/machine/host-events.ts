// SPDX-License-Identifier: BSD-2-Clause
/**
 * What happens on the host, handed out on the machine's thread: to whoever registered for its source, between two pieces of
 * the guest's run. While the machine stands still, events wait. Those who cannot wait for that ask for theirs by name.
 */
import type { EngineEvents } from '../hypervisor/engine-events.js';

/** Runs on the machine's thread, never within another handler. */
export type EventHandler = (token: number, result: number) => void;

/** What is taken at once: a handler may cause new events, and the guest has to run. */
const MOST_AT_ONCE = 1024;

export class HostEvents {
  private readonly handlers: EventHandler[] = [];
  private readonly cell = new Int32Array(new SharedArrayBuffer(4));

  /** Without a queue of the engine's nothing ever happens. */
  constructor(private readonly queue: EngineEvents | null) {}

  /** Answers the source under which native threads post what this handler takes. */
  register(handler: EventHandler): number {
    return this.handlers.push(handler) - 1;
  }

  /** Take it before looking for work, and give it to `sleep`. */
  get wakes(): number {
    return this.queue?.wakes ?? 0;
  }

  /** Returns at once if there was an event or a wake since `seen`. */
  sleep(seen: number, milliseconds: number): void {
    if (this.queue !== null) this.queue.wait(seen, milliseconds);
    else Atomics.wait(this.cell, 0, 0, milliseconds);
  }

  /** Hands out what is there. */
  dispatch(): void {
    for (let count = 0; count < MOST_AT_ONCE && this.take(); count += 1);
  }

  /** Waits for an event of this source alone and hands it out. False if none came in that time. */
  dispatchOne(source: number, milliseconds: number): boolean {
    if (this.queue === null || !this.queue.waitFor(source, milliseconds)) return false;
    return this.take(source);
  }

  private take(source?: number): boolean {
    const event = this.queue?.take(source) ?? null;
    if (event === null) return false;
    this.handlers[event.source]?.(event.token, event.result);
    return true;
  }
}
