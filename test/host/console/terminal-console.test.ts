// SPDX-License-Identifier: BSD-2-Clause
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { ConsoleBackend } from '../../../src/host/console/guest-line.js';
import { openConsole } from '../../../src/host/console/open-console.js';
import { FakeLine, until } from '../support/fake-line.js';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const item of opened.splice(0)) await item.close();
});

async function open(path: string): Promise<{ console: ConsoleBackend; line: FakeLine }> {
  const line = new FakeLine();
  const console = await openConsole(path, line, () => {});
  opened.push(console);
  return { console, line };
}

/** The other side of a terminal, as a person with a terminal program has it. */
function user(path: string): { read: () => string; type: (text: string) => void } {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  const stream = new ReadStream(fd);
  let text = '';
  stream.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  opened.push({ close: () => stream.destroy() });
  return { read: () => text, type: (typed) => writeSync(fd, typed) };
}

test('a pty carries every byte both ways, with no echo and no translation', async () => {
  const { console, line } = await open('pty');
  expect(console.place).toMatch(/^\/dev\/(pts\/)?\w+$/);
  const terminal = user(console.place);
  line.output = 'login: \r\n\x03\x04';
  console.outputReady();
  await until(() => terminal.read() === 'login: \r\n\x03\x04');
  terminal.type('root\r\x03');
  await until(() => line.typed === 'root\r\x03');
  expect(terminal.read()).toBe('login: \r\n\x03\x04');
});

test('a pty that nobody reads does not stop the guest, and works when somebody comes and goes', async () => {
  const { console, line } = await open('pty');
  line.output = 'x'.repeat(1_000_000);
  console.outputReady();
  expect(line.output).toBe('');
  for (const word of ['first', 'second']) {
    const fd = openSync(console.place, constants.O_RDWR | constants.O_NOCTTY);
    writeSync(fd, word);
    closeSync(fd);
  }
  await until(() => line.typed === 'firstsecond');
});

test('a terminal of the host can be the other side', async () => {
  const outer = await open('pty');
  const inner = await open(outer.console.place);
  inner.line.output = 'ping';
  inner.console.outputReady();
  await until(() => outer.line.typed === 'ping');
  outer.line.output = 'pong';
  outer.console.outputReady();
  await until(() => inner.line.typed === 'pong');
});
