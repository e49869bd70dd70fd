// SPDX-License-Identifier: BSD-2-Clause
/**
 * A guest's socket device on unix sockets, by the convention of Firecracker and Cloud Hypervisor. Programs of the host
 * connect to PATH, say `CONNECT <port>` and are told `OK <port>` when a program of the guest has accepted; programs of the
 * guest that connect to port P of the host reach whoever listens on PATH_P. For the main thread.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { MOST_VSOCK_CONNECTIONS, type VsockMessage, type VsockPorts } from '../../../devices/virtio/vsock-backend.js';
import { HostError, systemReason } from '../host-error.js';
import { listenPrivately, removeDeadSocket } from '../private-socket.js';
import { connectWord } from './connect-word.js';
import { VsockConnection } from './vsock-connection.js';

/** Of a program of the host to say what it wants, and of one of the guest to accept. */
const HANDSHAKE_MS = 10_000;
/** Ports of the host for its own calls, as Firecracker has them; programs that guests call have lower ones. */
const FIRST_PORT = 2 ** 30;
const PORTS_END = 2 ** 31;

export interface VsockSocketsOptions {
  readonly send: (message: VsockMessage) => void;
  /** For a client to say what it wants. */
  readonly clientMs?: number;
  /** For the guest to accept a client. */
  readonly guestMs?: number;
}

interface Caller {
  readonly connection: VsockConnection;
  /** The guest has accepted. */
  readonly accepted: () => void;
}

export class VsockSockets {
  /** By their ports. */
  private readonly connections = new Map<string, Caller>();
  /** Clients that have not said what they want. */
  private readonly unnamed = new Set<Socket>();
  /** The guest has forgotten them, and somebody is still to read what it wrote; the oldest first. */
  private readonly leaving = new Set<Socket>();
  private nextPort = FIRST_PORT;

  private constructor(
    private readonly path: string,
    private readonly server: Server,
    private readonly options: VsockSocketsOptions,
  ) {
    server.on('connection', (socket) => void this.admit(socket));
  }

  static async listen(path: string, options: VsockSocketsOptions): Promise<VsockSockets> {
    const place = `vsock ${path}`;
    await removeDeadSocket(place, path);
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => {
        reject(new HostError(place, `cannot listen there: ${systemReason(cause)}`, { cause }));
      });
      server.once('listening', () => {
        // Accepting may fail later (too many open files); the client then retries, the guest must not stop.
        server.on('error', () => {});
        resolve(new VsockSockets(path, server, options));
      });
      listenPrivately(server, path);
    });
  }

  /** What the guest says. */
  hear(message: VsockMessage): void {
    if (message.op === 'request') {
      this.callHost({ host: message.host, guest: message.guest });
      return;
    }
    const caller = this.connections.get(keyOf(message));
    if (message.op === 'response') caller?.accepted();
    else caller?.connection.hear(message);
  }

  close(): void {
    this.server.close();
    for (const socket of this.unnamed) socket.destroy();
    for (const { connection } of [...this.connections.values()]) connection.abandon();
  }

  private async admit(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    if (this.connections.size + this.unnamed.size >= MOST_VSOCK_CONNECTIONS) {
      socket.destroy();
      return;
    }
    this.unnamed.add(socket);
    socket.resume();
    const word = await connectWord(socket, this.options.clientMs ?? HANDSHAKE_MS);
    this.unnamed.delete(socket);
    if (word === null || socket.destroyed) socket.destroy();
    else this.callGuest(socket, word.port, word.rest);
  }

  private callGuest(socket: Socket, guest: number, rest: Uint8Array): void {
    const ports = { host: this.freePort(guest), guest };
    const timer = setTimeout(() => connection.refuse(), this.options.guestMs ?? HANDSHAKE_MS);
    timer.unref();
    const connection = this.newConnection(ports, socket, () => clearTimeout(timer));
    const accepted = (): void => {
      clearTimeout(timer);
      socket.write(`OK ${ports.host}\n`);
      connection.open(rest);
    };
    this.add(ports, { connection, accepted: once(accepted) });
    this.options.send({ op: 'request', ...ports });
  }

  private callHost(ports: VsockPorts): void {
    if (this.connections.size >= MOST_VSOCK_CONNECTIONS) {
      this.options.send({ op: 'reset', ...ports });
      return;
    }
    const socket = connect({ path: `${this.path}_${ports.host}`, allowHalfOpen: true });
    socket.pause();
    const connection = this.newConnection(ports, socket, () => {});
    this.add(ports, { connection, accepted: () => {} });
    socket.once('connect', () => {
      this.options.send({ op: 'response', ...ports });
      connection.open();
    });
  }

  private newConnection(ports: VsockPorts, socket: Socket, over: () => void): VsockConnection {
    const connection: VsockConnection = new VsockConnection(ports, socket, {
      send: this.options.send,
      over: () => {
        over();
        if (this.connections.get(keyOf(ports))?.connection === connection) this.connections.delete(keyOf(ports));
        if (!socket.destroyed) this.letLeave(socket);
      },
    });
    return connection;
  }

  private add(ports: VsockPorts, caller: Caller): void {
    this.connections.set(keyOf(ports), caller);
    this.makeRoom();
  }

  private letLeave(socket: Socket): void {
    this.leaving.add(socket);
    socket.once('close', () => this.leaving.delete(socket));
    this.makeRoom();
  }

  /** A guest that forgets connections may not have more sockets than one that keeps them. */
  private makeRoom(): void {
    for (const oldest of this.leaving) {
      if (this.connections.size + this.leaving.size <= MOST_VSOCK_CONNECTIONS) return;
      this.leaving.delete(oldest);
      oldest.destroy();
    }
  }

  private freePort(guest: number): number {
    for (;;) {
      const host = this.nextPort;
      this.nextPort = host + 1 === PORTS_END ? FIRST_PORT : host + 1;
      if (!this.connections.has(keyOf({ host, guest }))) return host;
    }
  }
}

const keyOf = ({ host, guest }: VsockPorts): string => `${host} ${guest}`;

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
