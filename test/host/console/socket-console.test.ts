// SPDX-License-Identifier: BSD-2-Clause
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsoleBackend } from '../../../src/host/console/guest-line.js';
import { openConsole } from '../../../src/host/console/open-console.js';
import { SocketConsole } from '../../../src/host/console/socket-console.js';
import { listenPrivately } from '../../../src/host/private-socket.js';
import { FakeLine, until } from '../support/fake-line.js';

let folder = '';
const opened: { close(): unknown }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-socket-'));
});
afterEach(async () => {
  for (const item of opened.splice(0)) await item.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(path: string, line = new FakeLine()): Promise<{ console: ConsoleBackend; line: FakeLine }> {
  const console = await openConsole(path, line, () => {});
  opened.push(console);
  return { console, line };
}

interface Client {
  readonly socket: Socket;
  received: string;
  ended: boolean;
}

function client(place: string): Client {
  const [, host, port] = /^tcp=(.*):(\d+)$/.exec(place) ?? [];
  const socket = port === undefined ? netConnect(place.slice('unix='.length)) : netConnect(Number(port), host);
  const result: Client = { socket, received: '', ended: false };
  socket.on('data', (bytes) => {
    result.received += bytes.toString('latin1');
  });
  socket.on('end', () => {
    result.ended = true;
  });
  socket.on('error', () => {});
  opened.push({ close: () => socket.destroy() });
  return result;
}

test.each(['tcp', 'unix'])('%s: a client types and reads, leaves, and the next one may come', async (kind) => {
  const { console, line } = await open(kind === 'tcp' ? 'tcp=127.0.0.1:0' : `unix=${join(folder, 'com1')}`);
  line.output = 'lost: nobody was there';
  console.outputReady();
  expect(line.output).toBe('');

  const first = client(console.place);
  first.socket.write('one');
  await until(() => line.typed === 'one');
  line.output = 'hello';
  console.outputReady();
  await until(() => first.received === 'hello');
  first.socket.end();
  await until(() => first.ended);

  const second = client(console.place);
  second.socket.write('two');
  await until(() => line.typed === 'onetwo');
});

test('a second client is told so and sent away', async () => {
  const { console, line } = await open('tcp=127.0.0.1:0');
  const first = client(console.place);
  first.socket.write('a');
  await until(() => line.typed === 'a');
  const second = client(console.place);
  await until(() => second.ended);
  expect(second.received).toBe('tsbhyve: this console has a client already\r\n');
  first.socket.write('b');
  await until(() => line.typed === 'ab');
});

test('of a client that was sent away nothing stays open', async () => {
  const { console, line } = await open(`unix=${join(folder, 'com1')}`);
  const { server } = console as unknown as { server: Server }; // only it knows
  const first = client(console.place);
  first.socket.write('a');
  await until(() => line.typed === 'a');
  const second = client(console.place);
  second.socket.write('typed too early');
  await until(() => second.socket.closed);
  let connections = 0;
  await until(() => {
    server.getConnections((_, number) => (connections = number));
    return connections === 1;
  });
});

test('a Unix socket belongs to its owner alone, and goes away with the VM', async () => {
  const path = join(folder, 'com1');
  const { console } = await open(`unix=${path}`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await console.close();
  await until(() => !existsSync(path));
});

test('the socket of a dead process is replaced, that of a living one is not', async () => {
  const path = join(folder, 'com1');
  const { console } = await open(`unix=${path}`);
  await expect(open(`unix=${path}`)).rejects.toThrow(`unix=${path}: another process listens on that socket`);
  await console.close();
  await until(() => !existsSync(path));

  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const twin = join(folder, 'twin');
  const { linkSync } = await import('node:fs');
  linkSync(path, twin); // closing the server removes `path` only
  await new Promise((resolve) => server.close(resolve));
  await open(`unix=${twin}`);
});

test.each([
  ['tcp=localhost:1', 'not an address; accepted are tcp=IPV4:PORT and tcp=[IPV6]:PORT'],
  ['tcp=127.0.0.1', 'not an address'],
  ['tcp=127.0.0.1:65536', 'not an address'],
  ['tcp=192.0.2.1:4000', 'cannot listen there: address not available'],
  ['unix=', 'needs the path of the socket'],
  ['unix=/nonexistent/com1', 'cannot listen there: permission denied|cannot listen there: no such file or directory'],
  [
    'carrier-pigeon',
    'unknown back end; accepted are stdio, detached, none, pty, tcp=ADDRESS:PORT, unix=PATH and /dev/NAME',
  ],
  ['tcp', 'not an address'],
  ['/dev/nonexistent', 'cannot open it: no such file or directory'],
  ['/dev/null', 'some other device; a serial port or terminal is accepted'],
])('%s is refused by name', async (path, message) => {
  await expect(open(path)).rejects.toThrow(new RegExp(message.replace(/[[\]=]/g, '\\$&')));
});

test('a file with the socket’s name is left alone', async () => {
  const path = join(folder, 'file');
  writeFileSync(path, 'precious');
  await expect(open(`unix=${path}`)).rejects.toThrow('there is something else with that name, not a socket');
  expect(existsSync(path)).toBe(true);
});

test('a client is told of what it sent too late for a suspend', async () => {
  const { console, line } = await open('tcp=127.0.0.1:0');
  const visitor = client(console.place);
  visitor.socket.write('in time');
  await until(() => line.typed === 'in time');
  expect(await console.holdInput()).toHaveLength(0);
  visitor.socket.write('too late');
  await until(() => console.lateInput === 8);
  await console.close();
  await until(() => visitor.ended);
  expect(visitor.received).toBe('\r\ntsbhyve: the VM is suspended, and the last 8 bytes came too late for it\r\n');
  expect(line.typed).toBe('in time');
});

test('output waits for a client that reads slowly, but one that does not read at all is sent away', async () => {
  const path = join(folder, 'com1');
  const line = new FakeLine();
  const console = await SocketConsole.open(`unix=${path}`, line, (server) => listenPrivately(server, path), 50);
  opened.push(console);
  const visitor = client(console.place);
  visitor.socket.write('here');
  await until(() => line.typed === 'here');
  visitor.socket.pause();
  while (line.output === '') {
    line.output = 'x'.repeat(4096);
    console.outputReady();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => line.output === ''); // nobody is there any more
  visitor.socket.resume();
  await until(() => visitor.socket.destroyed);
  const next = client(console.place);
  next.socket.write(', too');
  await until(() => line.typed === 'here, too');
  line.output = 'welcome';
  console.outputReady();
  await until(() => next.received === 'welcome');
});
