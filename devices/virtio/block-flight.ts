// SPDX-License-Identifier: BSD-2-Clause
/**
 * Block requests between submission and completion. What the host still works on is here; what it has finished and the
 * guest may not see yet is state. Decision 0010 says why.
 */
import type { Alarm } from '../../src/core/clock.js';
import { list, record, u8, u16, u32, u64 } from '../../src/core/state-fields.js';
import type { BlockBackend, BlockRequest, BlockResult } from './block-backend.js';
import { QUEUE_SIZE } from './block-config.js';
import { BlockStatus } from './block-request.js';
import type { ChainId, Span } from './chain.js';
import type { VirtioHost } from './virtio-kind.js';
import { MAX_QUEUES } from './virtio-state.js';

const flightField = record({
  queue: u16(),
  head: u16(),
  slots: u16(),
  statusAddress: u64({ doc: 'where the status goes' }),
  written: u32({ doc: 'bytes of the buffer that are filled, status included' }),
  status: u8({ max: 2 }),
  due: u64({ unit: 'ns', doc: 'when the guest sees it' }),
  number: u64({ doc: 'orders requests that are due together' }),
});
export type Flight = ReturnType<typeof flightField.initial>;

export const flightFields = {
  held: list(flightField, { max: MAX_QUEUES * QUEUE_SIZE, doc: 'done, but not yet due' }),
  submitted: u64({ doc: 'requests so far' }),
};

interface FlightState {
  held: Flight[];
  submitted: bigint;
}

/** How long a disk takes under the virtual clock. */
export interface DiskLatency {
  /** Nanoseconds. */
  readonly constant: bigint;
  readonly bytesPerSecond: bigint;
}

/** What is known of a request before it is begun. */
interface Expected {
  readonly statusAddress: number;
  /** What the guest is told if all goes well. */
  readonly status: number;
  readonly written: number;
  /** That are moved, which takes time. */
  readonly bytes: number;
}

interface HostWork {
  readonly flight: Flight;
  readonly fills: readonly Span[];
  isAbandoned: boolean;
}

const SECOND = 1_000_000_000n;

export class BlockFlights {
  private readonly atHost = new Set<HostWork>();
  /** How many of them each queue has: asked for every request. */
  private readonly atHostOf: number[] = [];
  private readonly alarm: Alarm;

  /** `latency` null: a request is complete as soon as the host is done with it. */
  constructor(
    private readonly host: VirtioHost<FlightState>,
    private readonly backend: BlockBackend,
    private readonly latency: DiskLatency | null,
  ) {
    this.alarm = host.clock.alarm(host.id, 'disk', (deadline) => this.deliverDue(deadline));
  }

  get hostIsIdle(): boolean {
    return this.atHost.size === 0;
  }

  count(queue: number): number {
    let count = this.atHostOf[queue] ?? 0;
    for (const flight of this.host.state().held) if (flight.queue === queue) count += 1;
    return count;
  }

  /** Numbers a request and says when it is due. */
  begin(queue: number, chain: ChainId, { statusAddress, status, written, bytes }: Expected): Flight {
    const state = this.host.state();
    const number = state.submitted;
    state.submitted = BigInt.asUintN(64, number + 1n);
    const { head, slots } = chain;
    const due = this.dueTime(bytes);
    // Spelled out: what is copied with `...`, V8 defines property by property, in its slow way, for every request.
    return { queue, head, slots, statusAddress: BigInt(statusAddress), written, status, due, number };
  }

  submit(flight: Flight, request: BlockRequest, fills: readonly Span[]): void {
    const work: HostWork = { flight, fills, isAbandoned: false };
    this.atHost.add(work);
    this.atHostOf[flight.queue] = (this.atHostOf[flight.queue] ?? 0) + 1;
    let isWithinSubmit = true;
    this.backend.submit(request, (result) => this.hostDone(work, result, isWithinSubmit));
    isWithinSubmit = false;
    this.arm();
  }

  /** To be seen by the guest when it is due, and the queue may be used. */
  hold(flight: Flight): void {
    if (this.latency === null && this.host.queue(flight.queue).isLive) {
      this.deliver(flight);
      return;
    }
    this.host.state().held.push(flight);
    this.arm();
  }

  /** Waits until the host has let go of guest memory, and forgets the requests of one queue or of all. */
  abandon(queue: number | null): void {
    const isMeant = (flight: Flight): boolean => queue === null || flight.queue === queue;
    const meant = [...this.atHost].filter(({ flight }) => isMeant(flight));
    for (const work of meant) work.isAbandoned = true;
    while (meant.some((work) => this.atHost.has(work))) this.backend.wait();
    const state = this.host.state();
    state.held = state.held.filter((flight) => !isMeant(flight));
    this.arm();
  }

  /** Waits until the host is done with everything. */
  drain(): void {
    while (this.atHost.size > 0) this.backend.wait();
  }

  arm(): void {
    if (this.latency === null && this.host.state().held.length === 0) {
      this.alarm.disarm();
      return;
    }
    // A stalled queue that may not be used is processed again once it may.
    const held = this.host.state().held.filter(({ queue: index }) => {
      const queue = this.host.queue(index);
      return queue.isLive || !queue.isStalled;
    });
    const [next] = [...held, ...this.timedAtHost].sort(byDueAndNumber);
    if (next === undefined) this.alarm.disarm();
    else this.alarm.arm(next.due);
  }

  /** Requests at the host that have a time at which they are due. */
  private get timedAtHost(): Flight[] {
    return this.latency === null ? [] : [...this.atHost].map(({ flight }) => flight);
  }

  private dueTime(bytes: number): bigint {
    if (this.latency === null) return 0n;
    return this.host.clock.now() + this.latency.constant + (BigInt(bytes) * SECOND) / this.latency.bytesPerSecond;
  }

  private hostDone(work: HostWork, result: BlockResult, isWithinSubmit: boolean): void {
    this.atHost.delete(work);
    this.atHostOf[work.flight.queue] = (this.atHostOf[work.flight.queue] ?? 0) - 1;
    for (const { address, length } of work.fills) this.host.memory.markWritten(address, length);
    if (work.isAbandoned) return;
    const { flight } = work;
    if (result !== 'ok') {
      flight.status = result === 'error' ? BlockStatus.IOERR : BlockStatus.UNSUPP;
      flight.written = 1;
    }
    this.hold(flight);
    // Within `submit` a queue is being processed, and whoever does that flushes it.
    if (this.latency === null && !isWithinSubmit) this.goOn(flight.queue);
  }

  /** The host may be late: VM time then stands still here, because no instruction runs. */
  private deliverDue(now: bigint): void {
    const isDue = ({ due }: Flight): boolean => due <= now;
    while (this.timedAtHost.some(isDue)) this.backend.wait();
    const state = this.host.state();
    const due = state.held.filter((flight) => isDue(flight) && this.mayUse(flight.queue)).sort(byDueAndNumber);
    state.held = state.held.filter((flight) => !due.includes(flight));
    for (const flight of due) this.deliver(flight);
    for (const queue of new Set(due.map((flight) => flight.queue))) this.goOn(queue);
    this.arm();
  }

  /** Without bus mastering, memory is left alone. */
  private mayUse(index: number): boolean {
    const queue = this.host.queue(index);
    if (!queue.isLive) queue.stall();
    return queue.isLive;
  }

  private deliver({ queue, head, slots, statusAddress, status, written }: Flight): void {
    this.host.guarded(() => {
      this.host.memory.writeU8(Number(statusAddress), status);
      this.host.queue(queue).use({ head, slots }, written);
    });
  }

  private goOn(index: number): void {
    const queue = this.host.queue(index);
    if (queue.isStalled) this.host.process(index);
    else this.host.guarded(() => queue.flush());
  }
}

function byDueAndNumber(a: Flight, b: Flight): number {
  if (a.due !== b.due) return a.due < b.due ? -1 : 1;
  return a.number < b.number ? -1 : 1;
}
