// SPDX-License-Identifier: BSD-2-Clause
import type { Frame, NetBackend, NetOffloads, NetPort } from '../../devices/virtio/net-backend.js';

/** Keeps the last frames that were sent. */
export class MemoryCable implements NetBackend {
  readonly sent: Frame[] = [];
  port: NetPort | null = null;
  isFull = false;
  isClosed = false;

  constructor(
    readonly offloads: NetOffloads = { checksum: true, segmentation: true },
    readonly isLive = false,
  ) {}

  attach(port: NetPort): void {
    this.port = port;
  }

  send(frame: Frame): boolean {
    if (this.isFull) return false;
    this.sent.push(frame);
    if (this.sent.length > 1000) this.sent.shift();
    return true;
  }

  close(): void {
    this.isClosed = true;
  }
}
