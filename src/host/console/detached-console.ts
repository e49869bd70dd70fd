// SPDX-License-Identifier: BSD-2-Clause
/**
 * A serial line that nobody needs to watch: clients come to its socket, one at a time, and whoever comes first gets what
 * the guest sent meanwhile. Output waits for a client that reads slowly, but not for one that has stopped to read.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { HostError, systemReason } from '../host-error.js';
import { listenPrivately } from '../private-socket.js';
import { ConsolePump, lateInputLine } from './console-pump.js';
import type { GuestLine } from './guest-line.js';
import { OutputHistory } from './output-history.js';
import { PumpedConsole } from './pumped-console.js';
import { StallWatch } from './stall-watch.js';

const HISTORY_BYTES = 64 * 1024;
/** How long a client has to take the rest of the output when the VM ends. */
const LAST_WORDS_MS = 1000;

export interface DetachedOptions {
  readonly earlier?: Uint8Array;
  readonly stalledMs?: number;
}

export class DetachedConsole extends PumpedConsole {
  override readonly place = 'detached';
  private readonly history = new OutputHistory(HISTORY_BYTES);
  private client: Socket | null = null;
  private readonly watch: StallWatch;

  private constructor(
    private readonly server: Server,
    private readonly line: GuestLine,
    { earlier = new Uint8Array(0), stalledMs }: DetachedOptions,
  ) {
    super(new ConsolePump(line));
    this.watch = new StallWatch(stalledMs);
    this.history.add(earlier);
    server.on('connection', (socket) => this.connected(socket));
  }

  /** `earlier` is what the same guest sent to nobody before. */
  static open(path: string, line: GuestLine, options: DetachedOptions = {}): Promise<DetachedConsole> {
    return new Promise((resolve, reject) => {
      // A client that has said all that it has to say is still to hear the answer.
      const server = createServer({ allowHalfOpen: true });
      server.once('error', (cause) => {
        reject(new HostError(path, `cannot listen there: ${systemReason(cause)}`, { cause }));
      });
      server.once('listening', () => {
        // Accepting may fail later (too many open files); the client then retries, the guest must not stop.
        server.on('error', () => {});
        resolve(new DetachedConsole(server, line, options));
      });
      listenPrivately(server, path);
    });
  }

  /** Somebody is there. */
  get attached(): boolean {
    return this.client !== null;
  }

  /** The last of what nobody has got. */
  get unread(): Uint8Array {
    return this.history.bytes;
  }

  override outputReady(): void {
    if (this.client === null) this.history.add(this.line.takeOutput());
    else this.pump.outputReady();
    this.watch.look();
  }

  override inputRoom(): void {
    super.inputRoom();
    this.letGo();
  }

  override async close(): Promise<void> {
    this.server.close();
    this.outputReady();
    if (this.pump.late > 0) this.client?.write(lateInputLine(this.pump.late));
    await this.pump.flush(LAST_WORDS_MS);
    this.pump.detach();
    this.watch.end();
    this.client?.end();
    this.client = null;
  }

  private connected(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.client !== null) {
      socket.end('tsbhyve: somebody is attached to this console already\r\n');
      socket.resume(); // unread, its end would not be noticed
      return;
    }
    this.client = socket;
    socket.once('end', () => this.letGo());
    socket.once('close', () => this.left(socket));
    this.watch.follow(socket, () => {
      socket.write(this.history.take());
      this.pump.attach(socket, socket);
    });
  }

  /** A client that has hung up keeps the line until the guest has all that it typed. */
  private letGo(): void {
    const { client } = this;
    if (client?.readableEnded !== true || this.pump.pending > 0) return;
    client.end();
    this.left(client);
  }

  private left(socket: Socket): void {
    if (this.client !== socket) return;
    this.client = null;
    this.watch.end();
    this.pump.detach();
    this.outputReady();
  }
}
