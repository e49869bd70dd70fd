// SPDX-License-Identifier: BSD-2-Clause
/** One connection of a guest as a unix socket, for the main thread. */
import type { Socket } from 'node:net';
import { VSOCK_WINDOW, type VsockMessage, type VsockPorts } from '../../../devices/virtio/vsock-backend.js';

export interface VsockConnectionEvents {
  send(message: VsockMessage): void;
  /** Nothing is sent any more. */
  over(): void;
}

type Outgoing = Uint8Array | 'shutdown' | 'reset';

export class VsockConnection {
  /** What could not be sent yet, in order. The socket is not read meanwhile. */
  private readonly outgoing: Outgoing[] = [];
  private unconfirmed = 0;
  private isOpen = false;
  private isDeaf = false;
  private isOver = false;

  constructor(
    private readonly ports: VsockPorts,
    private readonly socket: Socket,
    private readonly events: VsockConnectionEvents,
  ) {
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.put('reset'));
  }

  /** Both ends are there: from now on bytes go both ways. `first` has been read already. */
  open(first?: Uint8Array): void {
    this.isOpen = true;
    if (first !== undefined && first.length > 0) this.put(first);
    this.socket.on('data', (bytes: Buffer) => this.put(bytes));
    this.socket.once('end', () => this.put('shutdown'));
    if (this.outgoing.length === 0) this.socket.resume();
  }

  hear(message: Exclude<VsockMessage, { op: 'request' | 'response' }>): void {
    switch (message.op) {
      case 'data':
        this.write(message.bytes);
        break;
      case 'taken':
        this.unconfirmed = Math.max(0, this.unconfirmed - message.count);
        this.pump();
        break;
      case 'shutdown':
        this.shutdown(message.receive, message.send);
        break;
      case 'reset':
        this.abandon();
        break;
    }
  }

  /** The guest is to hear of its end when it has had everything before. */
  refuse(): void {
    this.socket.destroy();
  }

  /** Nobody is to hear of its end; what has been written still leaves. */
  abandon(): void {
    this.end();
    this.socket.unref();
    this.socket.destroySoon();
  }

  private write(bytes: Uint8Array): void {
    if (this.socket.writableEnded || this.socket.destroyed) return;
    this.socket.write(bytes, (error) => {
      if (!error && !this.isOver) this.events.send({ op: 'taken', ...this.ports, count: bytes.length });
    });
  }

  private shutdown(receive: boolean, send: boolean): void {
    if (receive) this.isDeaf = true;
    if (receive && send) this.socket.destroySoon();
    else if (send) this.socket.end();
    this.pump();
  }

  private put(what: Outgoing): void {
    if (this.isOver) return;
    this.outgoing.push(what);
    this.pump();
  }

  private pump(): void {
    for (let [next] = this.outgoing; next !== undefined && !this.isOver; [next] = this.outgoing) {
      if (typeof next === 'string') {
        this.outgoing.shift();
        this.say(next);
      } else if (this.isDeaf) {
        this.outgoing.shift();
      } else if (this.unconfirmed < VSOCK_WINDOW) {
        const bytes = next.subarray(0, VSOCK_WINDOW - this.unconfirmed);
        if (bytes.length < next.length) this.outgoing[0] = next.subarray(bytes.length);
        else this.outgoing.shift();
        this.unconfirmed += bytes.length;
        this.events.send({ op: 'data', ...this.ports, bytes: Uint8Array.from(bytes) });
      } else {
        this.socket.pause();
        return;
      }
    }
    if (this.isOpen && !this.isOver) this.socket.resume();
  }

  private say(what: 'shutdown' | 'reset'): void {
    if (what === 'shutdown') {
      if (!this.isDeaf) this.events.send({ op: 'shutdown', ...this.ports, receive: false, send: true });
      return;
    }
    this.events.send({ op: 'reset', ...this.ports });
    this.end();
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.outgoing.length = 0;
    this.events.over();
  }
}
