// SPDX-License-Identifier: BSD-2-Clause
/** Live socket devices, seen from the machine's thread: the main thread has the sockets, and what they say goes as messages. */
import {
  VSOCK_WINDOW,
  type VsockBackend,
  type VsockMessage,
  type VsockPort,
} from '../../devices/virtio/vsock-backend.js';
import { blob, bool, oneOf, record, u32 } from '../core/state-fields.js';

/** Messages for the main thread that it has not heard: with so many a device waits. */
const MOST_UNHEARD = 1024;
/** The main thread says that it has heard so many, not more often: also that is a message. */
export const HEARD_AT_ONCE = 256;

export type VsockEvent =
  /** A socket device wants its sockets. */
  | { readonly event: 'vsock-open'; readonly id: string; readonly path: string }
  | { readonly event: 'vsock'; readonly id: string; readonly message: VsockMessage };

/** A message of the host's with all members that one can have, as a recording keeps it. */
export const vsockRecord = record({
  op: oneOf(['request', 'response', 'reset', 'data', 'taken', 'shutdown']),
  host: u32(),
  guest: u32(),
  bytes: blob({ max: VSOCK_WINDOW }),
  count: u32(),
  receive: bool(),
  send: bool(),
});
export type VsockRecord = ReturnType<typeof vsockRecord.initial>;

export function recordOf(message: VsockMessage): VsockRecord {
  return { ...vsockRecord.initial(), ...message };
}

function messageOf({ op, host, guest, bytes, count, receive, send }: VsockRecord): VsockMessage {
  switch (op) {
    case 'data':
      return { op, host, guest, bytes };
    case 'taken':
      return { op, host, guest, count };
    case 'shutdown':
      return { op, host, guest, receive, send };
    default:
      return { op, host, guest };
  }
}

export class VsockLinks {
  private readonly links = new Map<string, VsockLink>();

  constructor(private readonly post: (event: VsockEvent) => void) {}

  open(id: string, path: string): VsockBackend {
    const link = new VsockLink((message) => this.post({ event: 'vsock', id, message }));
    this.links.set(id, link);
    this.post({ event: 'vsock-open', id, path });
    return link;
  }

  /** To be called only while the machine runs, or is about to: one that is being saved must not change. */
  hear(id: string, heard: VsockRecord): void {
    this.links.get(id)?.port?.receive(messageOf(heard));
  }

  /** The main thread has heard so many messages; on the same conditions. */
  wasHeard(id: string, count: number): void {
    this.links.get(id)?.wasHeard(count);
  }
}

class VsockLink implements VsockBackend {
  readonly isLive = true;
  port: VsockPort | null = null;
  /** It goes down by an input of the machine alone, so that a replay waits where the recorded run did. */
  private unheard = 0;

  constructor(private readonly post: (message: VsockMessage) => void) {}

  get isCrowded(): boolean {
    return this.unheard >= MOST_UNHEARD;
  }

  send(message: VsockMessage): void {
    this.unheard += 1;
    this.post(message);
  }

  wasHeard(count: number): void {
    const { isCrowded } = this;
    this.unheard = Math.max(0, this.unheard - count);
    if (isCrowded && !this.isCrowded) this.port?.roomAgain();
  }

  attach(port: VsockPort): void {
    this.port = port;
  }

  close(): void {
    this.port = null;
  }
}
