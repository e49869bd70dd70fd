// SPDX-License-Identifier: BSD-2-Clause
/** The sockets behind a machine's network links, on the main thread. */
import { LONGEST_FRAME } from '../../devices/virtio/net-backend.js';
import { StreamLink } from '../host/net/stream-link.js';

/** The machine's thread. */
export interface LinkedMachine {
  receive(id: string, frames: Uint8Array[]): Promise<unknown>;
  linkDown(id: string): void;
  warn(message: string): void;
}

interface OpenLink {
  readonly link: Promise<StreamLink>;
  readonly unsent: Int32Array;
}

export class HostLinks {
  private readonly links = new Map<string, OpenLink>();

  constructor(private readonly machine: LinkedMachine) {}

  open(id: string, path: string, unsent: SharedArrayBuffer): void {
    const link = StreamLink.connect(path, LONGEST_FRAME, {
      frames: async (frames) => {
        if (frames.length > 0) await this.machine.receive(id, frames);
      },
      down: (reason) => {
        this.machine.warn(`${id}: stream ${path}: ${reason}: the link is down`);
        this.machine.linkDown(id);
      },
    });
    link.catch(() => {}); // `connected` tells
    this.links.set(id, { link, unsent: new Int32Array(unsent) });
  }

  /** Rejects with what is wrong with a link. */
  async connected(): Promise<void> {
    await Promise.all([...this.links.values()].map(({ link }) => link));
  }

  send(id: string, bytes: Uint8Array): void {
    const open = this.links.get(id);
    const sent = (): void => {
      if (open !== undefined) Atomics.sub(open.unsent, 0, bytes.length);
    };
    open?.link.then((link) => link.send(bytes, sent), sent);
  }

  close(): void {
    for (const { link } of this.links.values()) {
      link.then((open) => open.close()).catch(() => {});
    }
    this.links.clear();
  }
}
