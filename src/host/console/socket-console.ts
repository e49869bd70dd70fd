// SPDX-License-Identifier: BSD-2-Clause
/**
 * A serial line as a server, on TCP or a Unix socket: one client at a time, and while there is none output is lost. A client
 * that has stopped to read is sent away.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { ConsolePump, lateInputLine } from './console-pump.js';
import type { GuestLine } from './guest-line.js';
import { PumpedConsole } from './pumped-console.js';
import { StallWatch } from './stall-watch.js';

/** How long a client has to take the rest of the output when the VM ends. */
const LAST_WORDS_MS = 1000;

export class SocketConsole extends PumpedConsole {
  private client: Socket | null = null;
  private readonly watch: StallWatch;

  private constructor(
    override readonly place: string,
    private readonly server: Server,
    private readonly line: GuestLine,
    stalledMs?: number,
  ) {
    super(new ConsolePump(line));
    this.watch = new StallWatch(stalledMs);
    line.attached?.(false); // a guest that goes on from a snapshot had somebody there, perhaps
    server.on('connection', (socket) => this.connected(socket));
  }

  /** `listen` binds the server it is given; the promise settles once that worked or failed. */
  static open(
    place: string,
    line: GuestLine,
    listen: (server: Server) => void,
    stalledMs?: number,
  ): Promise<SocketConsole> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.once('listening', () => {
        server.off('error', reject);
        // Accepting may fail later (too many open files); the client then retries, the guest must not stop.
        server.on('error', () => {});
        const address = server.address();
        const bound =
          typeof address === 'object' && address !== null ? `tcp=${address.address}:${address.port}` : place;
        resolve(new SocketConsole(bound, server, line, stalledMs));
      });
      listen(server);
    });
  }

  override outputReady(): void {
    super.outputReady();
    this.watch.look();
  }

  override async close(): Promise<void> {
    this.server.close();
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
      socket.end('tsbhyve: this console has a client already\r\n');
      socket.resume(); // unread, its end would not be noticed
      return;
    }
    this.client = socket;
    socket.setNoDelay(true);
    socket.once('close', () => this.disconnected(socket));
    this.line.attached?.(true);
    this.watch.follow(socket, () => this.pump.attach(socket, socket));
  }

  private disconnected(socket: Socket): void {
    if (this.client !== socket) return;
    this.client = null;
    this.watch.end();
    this.pump.detach();
    this.line.attached?.(false);
    this.outputReady();
  }
}
