// SPDX-License-Identifier: BSD-2-Clause
/** The network cards at live links, by the link's id: whatever comes in from outside goes this way. */
import type { NetPort } from '../../devices/virtio/net-backend.js';
import { COMPLETE, decodeHeader, HEADER } from '../../devices/virtio/net-header.js';

export class LinkedCards {
  private readonly ports = new Map<string, NetPort>();

  attach(id: string, port: NetPort): void {
    this.ports.set(id, port);
  }

  detach(id: string): void {
    this.ports.delete(id);
  }

  hasRoom(id: string): boolean {
    return this.ports.get(id)?.hasRoom === true;
  }

  receiveFrames(id: string, frames: readonly Uint8Array[]): void {
    for (const bytes of frames) this.ports.get(id)?.receive({ header: COMPLETE, bytes });
  }

  /** Frames with their headers before them. */
  receivePackets(id: string, packets: readonly Uint8Array[]): void {
    for (const packet of packets) {
      this.ports.get(id)?.receive({ header: decodeHeader(packet), bytes: packet.subarray(HEADER) });
    }
  }

  setLink(id: string, up: boolean): void {
    this.ports.get(id)?.setLink(up);
  }
}
