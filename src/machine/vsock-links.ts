// SPDX-License-Identifier: BSD-2-Clause
/** Live socket devices, seen from the machine's thread: the main thread has the sockets, and what they say goes as messages. */
import type { VsockBackend, VsockMessage, VsockPort } from '../../devices/virtio/vsock-backend.js';

export type VsockEvent =
  /** A socket device wants its sockets. */
  | { readonly event: 'vsock-open'; readonly id: string; readonly path: string }
  | { readonly event: 'vsock'; readonly id: string; readonly message: VsockMessage };

interface Heard {
  readonly id: string;
  readonly message: VsockMessage;
}

export class VsockLinks {
  private readonly links = new Map<string, VsockLink>();
  /** For a machine that stands still. The windows of the connections bound it. */
  private heard: Heard[] = [];

  constructor(private readonly post: (event: VsockEvent) => void) {}

  open(id: string, path: string): VsockBackend {
    const link = new VsockLink((message) => this.post({ event: 'vsock', id, message }));
    this.links.set(id, link);
    this.post({ event: 'vsock-open', id, path });
    return link;
  }

  hear(id: string, message: VsockMessage): void {
    this.heard.push({ id, message });
  }

  /** To be called only while the machine runs: a machine that is being saved must not change. */
  deliver(): void {
    if (this.heard.length === 0) return;
    const { heard } = this;
    this.heard = [];
    for (const { id, message } of heard) this.links.get(id)?.port?.receive(message);
  }
}

class VsockLink implements VsockBackend {
  readonly isLive = true;
  port: VsockPort | null = null;

  constructor(readonly send: (message: VsockMessage) => void) {}

  attach(port: VsockPort): void {
    this.port = port;
  }

  close(): void {
    this.port = null;
  }
}
