// SPDX-License-Identifier: BSD-2-Clause
/** Live network links, seen from the machine's thread: the main thread has the sockets, and frames go as messages. */
import { type Frame, type NetBackend, type NetPort, NO_OFFLOADS } from '../../devices/virtio/net-backend.js';
import type { LinkedCards } from './linked-cards.js';

/** Bytes on their way to a socket; what is beyond is lost, so that a slow peer does not fill memory. */
const MOST_UNSENT = 1024 * 1024;

export type LinkMessage =
  /** A network card wants a link; `unsent` counts the bytes that were posted and have not left yet. */
  | {
      readonly event: 'link';
      readonly id: string;
      readonly path: string;
      readonly reconnect: number | null;
      readonly unsent: SharedArrayBuffer;
    }
  | { readonly event: 'frame'; readonly id: string; readonly bytes: Uint8Array };

export class FrameLinks {
  /** With `isRecorded` a frame that is lost on its way out leaves no trace in the machine. */
  constructor(
    private readonly post: (message: LinkMessage) => void,
    private readonly cards: LinkedCards,
    private readonly isRecorded = false,
  ) {}

  open(id: string, path: string, reconnect: number | null): NetBackend {
    const link = new FrameLink(id, this.post, this.cards, this.isRecorded);
    this.post({ event: 'link', id, path, reconnect, unsent: link.unsent.buffer });
    return link;
  }
}

class FrameLink implements NetBackend {
  readonly isLive = true;
  readonly offloads = NO_OFFLOADS;
  readonly unsent = new Int32Array(new SharedArrayBuffer(4));

  constructor(
    private readonly id: string,
    private readonly post: (message: LinkMessage) => void,
    private readonly cards: LinkedCards,
    private readonly isRecorded: boolean,
  ) {}

  attach(port: NetPort): void {
    this.cards.attach(this.id, port);
  }

  send({ bytes }: Frame): boolean {
    if (Atomics.load(this.unsent, 0) + bytes.length > MOST_UNSENT) return this.isRecorded;
    Atomics.add(this.unsent, 0, bytes.length);
    this.post({ event: 'frame', id: this.id, bytes: bytes.slice() });
    return true;
  }

  guestTakes(): void {}

  roomAgain(): void {}

  close(): void {
    this.cards.detach(this.id);
  }
}
