// SPDX-License-Identifier: BSD-2-Clause
/** The sockets behind a machine's socket devices, on the main thread. */
import type { VsockMessage } from '../../devices/virtio/vsock-backend.js';
import { VsockSockets } from '../host/vsock/vsock-sockets.js';

export class HostVsocks {
  private readonly sockets = new Map<string, Promise<VsockSockets>>();

  /** `send` leads to the machine's thread. */
  constructor(private readonly send: (id: string, message: VsockMessage) => void) {}

  open(id: string, path: string): void {
    const sockets = VsockSockets.listen(path, { send: (message) => this.send(id, message) });
    sockets.catch(() => {}); // `connected` tells
    this.sockets.set(id, sockets);
  }

  /** Rejects with what is wrong with a socket. */
  async connected(): Promise<void> {
    await Promise.all(this.sockets.values());
  }

  hear(id: string, message: VsockMessage): void {
    this.sockets.get(id)?.then(
      (sockets) => sockets.hear(message),
      () => {},
    );
  }

  close(): void {
    for (const sockets of this.sockets.values()) {
      sockets.then((open) => open.close()).catch(() => {});
    }
    this.sockets.clear();
  }
}
