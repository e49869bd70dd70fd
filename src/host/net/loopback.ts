// SPDX-License-Identifier: BSD-2-Clause
/** A cable between two network cards of one machine. A frame arrives the moment it is sent, so it is no input from outside. */
import {
  type Frame,
  type NetBackend,
  type NetOffloads,
  type NetPort,
  NO_OFFLOADS,
} from '../../../devices/virtio/net-backend.js';

const ENDS = 2;

export class LoopbackCable {
  private readonly ends: LoopbackEnd[] = [];

  constructor(
    readonly name: string,
    readonly offloads: NetOffloads = NO_OFFLOADS,
  ) {}

  /** One of the two ends. */
  plug(): NetBackend {
    if (this.ends.length === ENDS) throw new Error(`loopback ${this.name}: two cards are joined already`);
    const end = new LoopbackEnd(this);
    this.ends.push(end);
    return end;
  }

  carry(from: LoopbackEnd, frame: Frame): boolean {
    const other = this.ends.find((end) => end !== from);
    return other?.receive(frame) ?? false;
  }
}

class LoopbackEnd implements NetBackend {
  readonly isLive = false;
  private port: NetPort | null = null;

  constructor(private readonly cable: LoopbackCable) {}

  get offloads(): NetOffloads {
    return this.cable.offloads;
  }

  attach(port: NetPort): void {
    this.port = port;
  }

  send(frame: Frame): boolean {
    return this.cable.carry(this, frame);
  }

  receive(frame: Frame): boolean {
    this.port?.receive(frame);
    return this.port !== null;
  }

  guestTakes(): void {}

  roomAgain(): void {}

  close(): void {
    this.port = null;
  }
}
