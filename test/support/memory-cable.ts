// SPDX-License-Identifier: BSD-2-Clause
import type { Frame, GuestOffloads, NetBackend, NetOffloads, NetPort } from '../../devices/virtio/net-backend.js';

/** Keeps the last frames that were sent. */
export class MemoryCable implements NetBackend {
  readonly sent: Frame[] = [];
  port: NetPort | null = null;
  isFull = false;
  isClosed = false;
  /** What the back end was told, in order. */
  readonly taken: GuestOffloads[] = [];
  roomCalls = 0;

  constructor(
    readonly offloads: NetOffloads = { checksum: true, segmentation: true, udpSegmentation: true },
    readonly isLive = false,
  ) {}

  attach(port: NetPort): void {
    this.port = port;
  }

  send(frame: Frame): boolean {
    if (this.isFull) return false;
    this.sent.push({ header: frame.header, bytes: frame.bytes.slice() });
    if (this.sent.length > 1000) this.sent.shift();
    return true;
  }

  guestTakes(offloads: GuestOffloads): void {
    this.taken.push(offloads);
  }

  roomAgain(): void {
    this.roomCalls += 1;
  }

  close(): void {
    this.isClosed = true;
  }
}
