// SPDX-License-Identifier: BSD-2-Clause
/** A network link over a unix socket, as QEMU's `stream` netdev and passt speak it. For the main thread. */
import { connect, type Socket } from 'node:net';
import { HostError, systemReason } from '../host-error.js';
import { FrameReader, framed } from './frame-reader.js';

export interface StreamLinkEvents {
  /** Frames that have come in. No more are read before this is done. */
  frames(frames: Uint8Array[]): Promise<void>;
  /** The link is down for good. */
  down(reason: string): void;
}

export class StreamLink {
  private readonly reader: FrameReader;
  private isDown = false;

  private constructor(
    private readonly socket: Socket,
    longest: number,
    private readonly events: StreamLinkEvents,
  ) {
    this.reader = new FrameReader(longest);
    socket.on('data', (bytes: Buffer) => void this.receive(bytes));
    socket.on('error', (error) => this.fail(systemReason(error)));
    socket.on('close', () => this.fail('the other side has closed it'));
  }

  static connect(path: string, longest: number, events: StreamLinkEvents): Promise<StreamLink> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path });
      const refused = (error: Error): void =>
        reject(new HostError(`stream ${path}`, `cannot connect to it: ${systemReason(error)}`, { cause: error }));
      socket.once('error', refused);
      socket.once('connect', () => {
        socket.removeListener('error', refused);
        resolve(new StreamLink(socket, longest, events));
      });
    });
  }

  /** `sent` is called when the bytes have left, or are lost. */
  send(frame: Uint8Array, sent: () => void): void {
    if (this.isDown) sent();
    else this.socket.write(framed(frame), () => sent());
  }

  close(): void {
    this.isDown = true;
    this.socket.destroy();
  }

  private async receive(bytes: Uint8Array): Promise<void> {
    this.socket.pause();
    try {
      await this.events.frames(this.reader.push(bytes));
      this.socket.resume();
    } catch (error) {
      this.fail((error as Error).message);
    }
  }

  private fail(reason: string): void {
    if (this.isDown) return;
    this.close();
    this.events.down(reason);
  }
}
