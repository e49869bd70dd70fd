// SPDX-License-Identifier: BSD-2-Clause
/** The sockets behind a machine's network links, on the main thread. */
import { LONGEST_FRAME } from '../../devices/virtio/net-backend.js';
import { StreamLink } from '../host/net/stream-link.js';

/** The machine's thread. */
export interface LinkedMachine {
  receive(id: string, frames: Uint8Array[]): Promise<unknown>;
  linkDown(id: string): void;
  linkUp(id: string): void;
  warn(message: string): void;
}

export interface LinkPlace {
  readonly id: string;
  readonly path: string;
  /** Seconds after which a lost connection is tried again; null: never. */
  readonly reconnect: number | null;
}

/** Runs `work` once so many seconds have passed, and tells how to leave that. */
export type After = (seconds: number, work: () => void) => () => void;

const MS_A_SECOND = 1000;
const hostTimer: After = (seconds, work) => {
  const timer = setTimeout(work, seconds * MS_A_SECOND);
  timer.unref();
  return () => clearTimeout(timer);
};

export class HostLinks {
  private readonly links = new Map<string, HostLink>();

  constructor(
    private readonly machine: LinkedMachine,
    private readonly after: After = hostTimer,
  ) {}

  open(place: LinkPlace, unsent: SharedArrayBuffer): void {
    this.links.set(place.id, new HostLink(place, new Int32Array(unsent), this.machine, this.after));
  }

  /** Rejects with what is wrong with a link. */
  async connected(): Promise<void> {
    await Promise.all([...this.links.values()].map(({ first }) => first));
  }

  send(id: string, bytes: Uint8Array): void {
    this.links.get(id)?.send(bytes);
  }

  close(): void {
    for (const link of this.links.values()) link.close();
    this.links.clear();
  }
}

class HostLink {
  /** The first connection. */
  readonly first: Promise<void>;
  /** Null while there is none. */
  private link: StreamLink | null = null;
  private cancelRetry: () => void = () => {};
  private isClosed = false;

  constructor(
    private readonly place: LinkPlace,
    private readonly unsent: Int32Array,
    private readonly machine: LinkedMachine,
    private readonly after: After,
  ) {
    this.first = this.connect();
    this.first.catch(() => {}); // `connected` tells
  }

  /** Without a connection it is lost. */
  send(bytes: Uint8Array): void {
    const sent = (): void => void Atomics.sub(this.unsent, 0, bytes.length);
    if (this.link === null) sent();
    else this.link.send(bytes, sent);
  }

  close(): void {
    this.isClosed = true;
    this.cancelRetry();
    this.link?.close();
  }

  private async connect(): Promise<void> {
    const { id, path } = this.place;
    const link = await StreamLink.connect(path, LONGEST_FRAME, {
      frames: async (frames) => {
        if (frames.length > 0) await this.machine.receive(id, frames);
      },
      down: (reason) => this.wentDown(reason),
    });
    if (this.isClosed) link.close();
    else this.link = link;
  }

  private wentDown(reason: string): void {
    const { id, path, reconnect } = this.place;
    const next = reconnect === null ? '' : `, to be tried again every ${reconnect} s`;
    this.link = null;
    this.machine.warn(`${id}: stream ${path}: ${reason}: the link is down${next}`);
    this.machine.linkDown(id);
    this.retryLater();
  }

  private retryLater(): void {
    if (this.place.reconnect === null || this.isClosed) return;
    this.cancelRetry = this.after(this.place.reconnect, () => {
      this.connect().then(
        () => this.cameBack(),
        () => this.retryLater(), // why it went down has been told
      );
    });
  }

  private cameBack(): void {
    if (this.link === null) return;
    this.machine.warn(`${this.place.id}: stream ${this.place.path}: the link is up again`);
    this.machine.linkUp(this.place.id);
  }
}
