// SPDX-License-Identifier: BSD-2-Clause
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VsockMessage } from '../../../devices/virtio/vsock-backend.js';
import { VsockSockets, type VsockSocketsOptions } from '../../../src/host/vsock/vsock-sockets.js';

const WINDOW = 128 * 1024;
const GUEST_PORT = 1024;
const HOST_PORT = 80;
const FIRST = 2 ** 30;

let folder = '';
let path = '';
const opened: { close(): void }[] = [];
const ends: Socket[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-vsock-'));
  path = join(folder, 'socket');
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  for (const socket of ends.splice(0)) socket.destroy();
  rmSync(folder, { recursive: true });
});

/** What the guest is told, one by one. */
class Told {
  private readonly messages: VsockMessage[] = [];
  private wake: () => void = () => {};

  readonly send = (message: VsockMessage): void => {
    this.messages.push(message);
    this.wake();
  };

  async next(): Promise<VsockMessage> {
    while (this.messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const [first] = this.messages.splice(0, 1);
    if (first === undefined) throw new Error('nothing was told');
    return first;
  }

  /** So many bytes of data; nothing else may come between. */
  async data(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for (let got = 0; got < length; ) {
      const message = await this.next();
      if (message.op !== 'data') throw new Error(`${message.op} instead of data`);
      parts.push(message.bytes);
      got += message.bytes.length;
    }
    return Buffer.concat(parts);
  }

  get waiting(): readonly VsockMessage[] {
    return this.messages;
  }
}

async function start(patience: Omit<VsockSocketsOptions, 'send'> = {}) {
  const told = new Told();
  const sockets = await VsockSockets.listen(path, { send: told.send, ...patience });
  opened.push(sockets);
  return { told, sockets };
}

class Client {
  private text = Buffer.alloc(0);
  private wake: () => void = () => {};
  readonly ended: Promise<void>;

  constructor(readonly socket: Socket) {
    ends.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      this.text = Buffer.concat([this.text, bytes]);
      this.wake();
    });
    this.ended = new Promise((resolve) => {
      for (const event of ['end', 'close']) socket.once(event, () => resolve());
    });
  }

  async read(length: number): Promise<string> {
    while (this.text.length < length) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const got = this.text.subarray(0, length).toString();
    this.text = this.text.subarray(length);
    return got;
  }
}

const dial = (words: string): Client => {
  const client = new Client(connect({ path, allowHalfOpen: true }));
  client.socket.write(words);
  return client;
};

/** A program of the host that a program of the guest calls. */
async function listener(port = HOST_PORT): Promise<{ readonly client: Promise<Client> }> {
  const server: Server = createServer({ allowHalfOpen: true });
  const client = new Promise<Client>((resolve) => server.once('connection', (socket) => resolve(new Client(socket))));
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(`${path}_${port}`, resolve));
  return { client };
}

/** Programs of the host that read nothing, in the order in which they were called. */
async function idlers(): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
    ends.push(socket);
  });
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(`${path}_${HOST_PORT}`, resolve));
  return sockets;
}

/** Reads all that comes. */
async function lengthOf(socket: Socket | undefined): Promise<number> {
  let length = 0;
  socket?.on('data', (bytes: Buffer) => {
    length += bytes.length;
  });
  socket?.resume();
  await new Promise<void>((resolve) => socket?.once('close', () => resolve()));
  return length;
}

const ports = { host: HOST_PORT, guest: GUEST_PORT };
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

async function calling(words = '') {
  const { told, sockets } = await start();
  const client = dial(`CONNECT ${GUEST_PORT}\n${words}`);
  expect(await told.next()).toEqual({ op: 'request', host: FIRST, guest: GUEST_PORT });
  const call = { host: FIRST, guest: GUEST_PORT };
  sockets.hear({ op: 'response', ...call });
  expect(await client.read(14)).toBe(`OK ${FIRST}\n`);
  return { told, sockets, client, call };
}

test('only the owner may connect, and the socket goes with the machine', async () => {
  const { sockets } = await start();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  sockets.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(existsSync(path)).toBe(false);
});

test('a path that cannot be had is refused by name', async () => {
  await start();
  await expect(start()).rejects.toThrow(`vsock ${path}: another process listens on that socket`);
  path = join(folder, 'file');
  writeFileSync(path, '');
  await expect(start()).rejects.toThrow(`vsock ${path}: there is something else with that name, not a socket`);
  path = join(folder, 'no/where');
  await expect(start()).rejects.toThrow(`vsock ${path}: cannot listen there`);
});

test('a program of the host calls one of the guest', async () => {
  const { told, sockets, client, call } = await calling('early ');
  client.socket.write('and late');
  expect(String(await told.data(14))).toBe('early and late');
  sockets.hear({ op: 'data', ...call, bytes: text('answer') });
  expect(await client.read(6)).toBe('answer');
  expect(await told.next()).toEqual({ op: 'taken', ...call, count: 6 });
});

test('a second call has another port', async () => {
  const { told } = await calling();
  dial('CONNECT 7\r\n');
  expect(await told.next()).toEqual({ op: 'request', host: FIRST + 1, guest: 7 });
});

test('a guest that refuses hangs up', async () => {
  const { told, sockets } = await start();
  const client = dial('CONNECT 5\n');
  await told.next();
  sockets.hear({ op: 'reset', host: FIRST, guest: 5 });
  await client.ended;
  expect(told.waiting).toEqual([]);
});

test.each([
  'CONNECT\n',
  'CONNECT x\n',
  'CONNECT 4294967295\n',
  'HELLO 5\n',
  'x'.repeat(40),
  `CONNECT 5${' '.repeat(30)}\n`,
])('a client that says %j is sent away', async (words) => {
  const { told } = await start();
  await dial(words).ended;
  expect(told.waiting).toEqual([]);
});

test('a client may not keep its place waiting for ever', async () => {
  await start({ clientMs: 1 });
  await dial('CONN').ended;
});

test('a guest may not keep a client waiting for ever', async () => {
  const { told } = await start({ guestMs: 1 });
  const client = dial('CONNECT 5\n');
  expect(await told.next()).toMatchObject({ op: 'request' });
  await client.ended;
  expect(await told.next()).toMatchObject({ op: 'reset', guest: 5 });
});

test('more clients than connections are sent away', async () => {
  await start();
  const clients = Array.from({ length: 256 }, () => new Client(connect({ path })));
  await Promise.all(clients.map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))));
  await dial('').ended;
  expect(clients.every(({ socket }) => !socket.destroyed)).toBe(true);
});

test('a program of the guest calls one of the host', async () => {
  const { told, sockets } = await start();
  const peer = await listener();
  sockets.hear({ op: 'request', ...ports });
  expect(await told.next()).toEqual({ op: 'response', ...ports });
  const client = await peer.client;
  sockets.hear({ op: 'data', ...ports, bytes: text('hello') });
  expect(await client.read(5)).toBe('hello');
  expect(await told.next()).toEqual({ op: 'taken', ...ports, count: 5 });
  client.socket.write('welcome');
  expect(String(await told.data(7))).toBe('welcome');
});

test('nobody at a port is a refusal', async () => {
  const { told, sockets } = await start();
  sockets.hear({ op: 'request', ...ports });
  expect(await told.next()).toEqual({ op: 'reset', ...ports });
});

test('no more than the window is on its way to the guest', async () => {
  const { told, sockets, client, call } = await calling();
  const all = Buffer.alloc(3 * WINDOW + 5, 'abcdefg');
  client.socket.end(all);
  const first = await told.data(WINDOW);
  expect(first).toHaveLength(WINDOW);
  // The answer to something that was asked after all of that could have been read.
  sockets.hear({ op: 'data', ...call, bytes: text('ping') });
  expect(await client.read(4)).toBe('ping');
  expect(await told.next()).toEqual({ op: 'taken', ...call, count: 4 });
  expect(told.waiting).toEqual([]);
  const parts = [first];
  for (let left = all.length - WINDOW; left > 0; ) {
    const count = Math.min(left, 50_000);
    sockets.hear({ op: 'taken', ...call, count });
    parts.push(await told.data(count));
    left -= count;
  }
  sockets.hear({ op: 'taken', ...call, count: WINDOW });
  expect(Buffer.concat(parts).equals(all)).toBe(true);
  expect(await told.next()).toEqual({ op: 'shutdown', ...call, receive: false, send: true });
});

test('each half ends by itself', async () => {
  const { told, sockets, client, call } = await calling();
  sockets.hear({ op: 'shutdown', ...call, receive: false, send: true });
  await new Promise<void>((resolve) => client.socket.once('end', resolve));
  client.socket.write('still there');
  expect(String(await told.data(11))).toBe('still there');
  client.socket.end();
  expect(await told.next()).toEqual({ op: 'shutdown', ...call, receive: false, send: true });
  expect(await told.next()).toEqual({ op: 'reset', ...call });
});

test('a guest that is gone is told when its last words have left', async () => {
  const { told, sockets, client, call } = await calling();
  sockets.hear({ op: 'data', ...call, bytes: text('last words') });
  sockets.hear({ op: 'shutdown', ...call, receive: true, send: true });
  expect(await client.read(10)).toBe('last words');
  client.socket.end();
  expect(await told.next()).toEqual({ op: 'taken', ...call, count: 10 });
  expect(await told.next()).toEqual({ op: 'reset', ...call });
  await client.ended;
});

test('a guest that wants nothing more does not stop the host from sending', async () => {
  const { told, sockets, client, call } = await calling();
  sockets.hear({ op: 'shutdown', ...call, receive: true, send: false });
  await new Promise<void>((resolve) => client.socket.write(Buffer.alloc(4 * WINDOW), () => resolve()));
  client.socket.destroy();
  await client.ended;
  sockets.hear({ op: 'data', ...call, bytes: text('to nobody') });
  expect(await told.next()).toEqual({ op: 'reset', ...call });
});

test('a guest that resets a connection ends it', async () => {
  const { told, sockets, client, call } = await calling();
  sockets.hear({ op: 'data', ...call, bytes: text('bye') });
  sockets.hear({ op: 'reset', ...call });
  expect(await client.read(3)).toBe('bye');
  client.socket.end();
  await client.ended;
  sockets.hear({ op: 'data', ...call, bytes: text('nobody hears this') });
  expect(told.waiting).toEqual([]);
});

const MUCH = 1024 * 1024;

test.each([
  [255, 'leaves'],
  [256, 'is lost'],
])('what a guest wrote on a connection that it forgot, before it made %i others, %s', async (others, fate) => {
  const { told, sockets } = await start();
  const peers = await idlers();
  const call = async (guest: number): Promise<void> => {
    sockets.hear({ op: 'request', host: HOST_PORT, guest });
    expect(await told.next()).toEqual({ op: 'response', host: HOST_PORT, guest });
  };
  await call(0);
  sockets.hear({ op: 'data', host: HOST_PORT, guest: 0, bytes: new Uint8Array(MUCH) });
  sockets.hear({ op: 'reset', host: HOST_PORT, guest: 0 });
  for (let guest = 1; guest <= others; guest += 1) await call(guest);
  const got = await lengthOf(peers[0]);
  if (fate === 'leaves') expect(got).toBe(MUCH);
  else expect(got).toBeLessThan(MUCH);
});

test('a guest has no more connections than there may be', async () => {
  const { told, sockets } = await start();
  await idlers();
  for (let guest = 0; guest < 256; guest += 1) {
    sockets.hear({ op: 'request', host: HOST_PORT, guest });
    expect(await told.next()).toMatchObject({ op: 'response', guest });
  }
  sockets.hear({ op: 'request', host: HOST_PORT, guest: 256 });
  expect(await told.next()).toEqual({ op: 'reset', host: HOST_PORT, guest: 256 });
});
