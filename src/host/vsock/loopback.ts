// SPDX-License-Identifier: BSD-2-Clause
/**
 * A host whose ports are the guest's own: who connects to port 5 of the host reaches port 5 of the guest, from a port of the
 * host with the number of the caller's. A message arrives within the exit in which it is sent, so it is no input from
 * outside, and since only names of ports are exchanged there is nothing here to be saved.
 */
import type { VsockBackend, VsockMessage, VsockPort } from '../../../devices/virtio/vsock-backend.js';

export class VsockLoopback implements VsockBackend {
  readonly isLive = false;
  readonly isCrowded = false;
  private port: VsockPort | null = null;

  attach(port: VsockPort): void {
    this.port = port;
  }

  send(message: VsockMessage): void {
    this.port?.receive({ ...message, host: message.guest, guest: message.host });
  }

  close(): void {
    this.port = null;
  }
}
