// SPDX-License-Identifier: BSD-2-Clause
/** The sockets behind a machine's socket devices, on the main thread. */
import type { VsockMessage } from '../../devices/virtio/vsock-backend.js';
import { VsockSockets } from '../host/vsock/vsock-sockets.js';
import { HEARD_AT_ONCE } from './vsock-links.js';

/** The machine's thread. */
export interface VsockMachine {
  send(id: string, message: VsockMessage): void;
  /** So many of its messages have been heard. */
  heard(id: string, count: number): void;
}

export class HostVsocks {
  private readonly sockets = new Map<string, Promise<VsockSockets>>();
  /** Messages that have been heard, and the machine's thread does not know. */
  private readonly heard = new Map<string, number>();

  constructor(private readonly machine: VsockMachine) {}

  open(id: string, path: string): void {
    const sockets = VsockSockets.listen(path, { send: (message) => this.machine.send(id, message) });
    sockets.catch(() => {}); // `connected` tells
    this.sockets.set(id, sockets);
  }

  /** Rejects with what is wrong with a socket. */
  async connected(): Promise<void> {
    await Promise.all(this.sockets.values());
  }

  hear(id: string, message: VsockMessage): void {
    this.sockets.get(id)?.then(
      (sockets) => {
        sockets.hear(message);
        this.confirm(id);
      },
      () => {},
    );
  }

  close(): void {
    for (const sockets of this.sockets.values()) {
      sockets.then((open) => open.close()).catch(() => {});
    }
    this.sockets.clear();
  }

  private confirm(id: string): void {
    const count = (this.heard.get(id) ?? 0) + 1;
    this.heard.set(id, count % HEARD_AT_ONCE);
    if (count === HEARD_AT_ONCE) this.machine.heard(id, count);
  }
}
