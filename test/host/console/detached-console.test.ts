// SPDX-License-Identifier: BSD-2-Clause
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DetachedConsole, type DetachedOptions } from '../../../src/host/console/detached-console.js';
import { FakeLine, until } from '../support/fake-line.js';

let folder = '';
let path = '';
const opened: { close(): unknown }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-detached-'));
  path = join(folder, 'console');
});
afterEach(async () => {
  for (const item of opened.splice(0)) await item.close();
  rmSync(folder, { recursive: true });
});

async function open(options: DetachedOptions = {}): Promise<{ console: DetachedConsole; line: FakeLine }> {
  const line = new FakeLine();
  const console = await DetachedConsole.open(path, line, options);
  opened.push(console);
  return { console, line };
}

interface Client {
  readonly socket: Socket;
  received: string;
  closed: boolean;
}

function attach(): Client {
  const client: Client = { socket: connect(path), received: '', closed: false };
  client.socket.on('data', (bytes) => {
    client.received += bytes.toString('latin1');
  });
  client.socket.on('close', () => {
    client.closed = true;
  });
  opened.push({ close: () => client.socket.destroy() });
  return client;
}

function send(console: DetachedConsole, line: FakeLine, output: string): void {
  line.output += output;
  console.outputReady();
}

test('each byte goes to one client: first what came while nobody was there, then all that comes', async () => {
  const { console, line } = await open({ earlier: Buffer.from('earlier ') });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  send(console, line, 'one ');
  expect(line.output).toBe('');
  const first = attach();
  await until(() => first.received === 'earlier one ');
  expect(console.attached).toBe(true);
  send(console, line, 'two ');
  await until(() => first.received === 'earlier one two ');
  first.socket.end();
  await until(() => first.closed);
  send(console, line, 'three');
  expect(console.attached).toBe(false);
  expect(Buffer.from(console.unread).toString()).toBe('three');
  const second = attach();
  await until(() => second.received === 'three');
  expect(console.unread.length).toBe(0);
});

test('it keeps the last 64 KiB', async () => {
  const { console, line } = await open();
  for (let number = 0; number < 20_000; number += 1) send(console, line, `${number}\n`);
  const client = attach();
  await until(() => client.received.endsWith('\n19999\n'));
  expect(client.received).toHaveLength(64 * 1024);
});

test('a second client is refused, and the first types on', async () => {
  const { console, line } = await open();
  const first = attach();
  await until(() => console.attached);
  const second = attach();
  await until(() => second.closed);
  expect(second.received).toBe('tsbhyve: somebody is attached to this console already\r\n');
  first.socket.write('typed');
  await until(() => line.typed === 'typed');
  expect(console.attached).toBe(true);
});

test('all that a client typed before it left reaches the guest, however slow that is', async () => {
  const { console, line } = await open();
  line.room = 3;
  const client = attach();
  client.socket.end('0123456789');
  await until(() => line.typed === '012');
  await until(() => {
    line.room = 3;
    console.inputRoom();
    return client.closed;
  });
  expect(line.typed).toBe('0123456789');
});

test('output waits for a client that reads slowly, but not for one that does not read at all', async () => {
  const { console, line } = await open({ stalledMs: 50 });
  const client = attach();
  await until(() => console.attached);
  client.socket.pause();
  const flood = 'x'.repeat(4096);
  while (line.output === '') {
    send(console, line, flood);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(console.attached).toBe(true); // it still has time
  await until(() => !console.attached);
  expect(line.output).toBe('');
  expect(Buffer.from(console.unread).toString()).toBe(flood);
});

test('the last words go to whoever is there', async () => {
  const { console, line } = await open();
  const client = attach();
  await until(() => console.attached);
  line.output = 'good bye';
  await console.close();
  await until(() => client.closed);
  expect(client.received).toBe('good bye');
});

test('a place that cannot be listened on is named', async () => {
  writeFileSync(path, '');
  await expect(open()).rejects.toThrow(`${path}: cannot listen there: address already in use`);
});
