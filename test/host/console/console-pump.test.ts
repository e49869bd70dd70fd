// SPDX-License-Identifier: BSD-2-Clause
import { PassThrough, Writable } from 'node:stream';
import { ConsolePump } from '../../../src/host/console/console-pump.js';
import { FakeLine, until } from '../support/fake-line.js';

const PASTE = Array.from({ length: 4096 }, (_, index) => String.fromCharCode(0x21 + (index % 94))).join('');

test('a paste of 4 KiB into a guest that takes a few bytes at a time loses nothing', async () => {
  const line = new FakeLine();
  line.room = 0;
  const input = new PassThrough({ highWaterMark: 64 });
  const pump = new ConsolePump(line);
  pump.attach(input, new PassThrough());
  input.end(PASTE);
  await until(() => input.isPaused());
  while (line.typed.length < PASTE.length) {
    line.room = 16;
    pump.inputRoom();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(line.typed).toBe(PASTE);
});

test('a stream is not read on while the guest has no room', async () => {
  const line = new FakeLine();
  line.room = 10;
  const input = new PassThrough({ highWaterMark: 16 });
  new ConsolePump(line).attach(input, new PassThrough());
  for (let index = 0; index < 100; index += 1) input.write('x'.repeat(16));
  await until(() => input.isPaused());
  expect(line.typed).toBe('x'.repeat(10));
  expect(input.readableLength + input.writableLength).toBeGreaterThan(1000);
});

test('output waits in the guest until the stream can take it', async () => {
  const line = new FakeLine();
  const written: string[] = [];
  let release = (): void => {};
  const slow = new Writable({
    highWaterMark: 8,
    write(chunk, _, done) {
      written.push(String(chunk));
      release = done;
    },
  });
  const pump = new ConsolePump(line);
  pump.attach(new PassThrough(), slow);
  line.output = 'first line\n';
  pump.outputReady();
  line.output = 'second line\n';
  pump.outputReady();
  expect(line.output).toBe('second line\n');
  release();
  await until(() => written.length === 2);
  expect(written.join('')).toBe('first line\nsecond line\n');
  expect(line.output).toBe('');
});

test('much output is written in pieces, each when the one before has been taken', async () => {
  const line = new FakeLine();
  const written: number[] = [];
  let release = (): void => {};
  const slow = new Writable({
    highWaterMark: 8,
    write(chunk, _, done) {
      if (chunk.length > 0) written.push(chunk.length);
      release = done;
      if (chunk.length === 0) done();
    },
  });
  const pump = new ConsolePump(line);
  pump.attach(new PassThrough(), slow);
  line.output = 'x'.repeat(150_000);
  pump.outputReady();
  const flushed = pump.flush();
  for (const count of [1, 2]) {
    expect(written).toHaveLength(count);
    release();
    await until(() => written.length > count);
  }
  release();
  await flushed;
  expect(written).toEqual([65_536, 65_536, 18_928]);
});

test('without a stream, or with a slow one that may lose output, the guest never waits', () => {
  const line = new FakeLine();
  const stuck = new Writable({ highWaterMark: 1, write: () => {} });
  const pump = new ConsolePump(line, { dropWhenSlow: true });
  for (const output of [null, stuck]) {
    if (output !== null) pump.attach(new PassThrough(), output);
    line.output = 'x'.repeat(100_000);
    pump.outputReady();
    expect(line.output).toBe('');
  }
  line.output = 'y'.repeat(100_000);
  pump.outputReady();
  expect(line.output).toBe('');
  expect(stuck.writableLength).toBe(100_000); // the first piece; what follows is lost
});

test('after a change of streams the old one is deaf and dumb', () => {
  const line = new FakeLine();
  const [oldIn, oldOut, newIn, newOut] = [new PassThrough(), new PassThrough(), new PassThrough(), new PassThrough()];
  const pump = new ConsolePump(line);
  pump.attach(oldIn, oldOut);
  pump.attach(newIn, newOut);
  line.output = 'hello';
  pump.outputReady();
  expect(String(newOut.read())).toBe('hello');
  expect(oldOut.read()).toBeNull();
  expect(oldIn.isPaused()).toBe(true);
  pump.detach();
  expect(pump.attached).toBe(false);
  expect(newIn.listenerCount('data') + newOut.listenerCount('drain')).toBeLessThanOrEqual(1);
});

test('held input stays in the stream; what had been read already is handed out', async () => {
  const line = new FakeLine();
  line.room = 2;
  const input = new PassThrough({ highWaterMark: 4 });
  const pump = new ConsolePump(line);
  pump.attach(input, new PassThrough());
  input.write('abcd');
  await until(() => input.isPaused());
  input.write('efgh'); // read ahead by the stream, which is full with it
  expect(Buffer.from(await pump.hold()).toString()).toBe('cdefgh');
  expect(line.typed).toBe('ab');
  input.write('ijkl');
  line.room = 100;
  pump.inputRoom();
  await new Promise((resolve) => setImmediate(resolve));
  expect(line.typed).toBe('ab');
  expect(pump.late).toBe(4);
  pump.release();
  await until(() => line.typed === 'abijkl');
  expect(pump.late).toBe(0);
});

test('a terminal is read on for its keys while input is held, and the guest gets the rest afterwards', async () => {
  const line = new FakeLine();
  const input = new PassThrough();
  const pump = new ConsolePump(line, { filter: (bytes) => Buffer.from(bytes.filter((byte) => byte !== 1)) });
  pump.attach(input, new PassThrough());
  expect(await pump.hold()).toHaveLength(0);
  input.write('a\x01b');
  await until(() => pump.late === 2);
  expect(line.typed).toBe('');
  pump.release();
  expect(line.typed).toBe('ab');
});

test('a client that comes while input is held has to wait', async () => {
  const line = new FakeLine();
  const pump = new ConsolePump(line);
  await pump.hold();
  const input = new PassThrough();
  pump.attach(input, new PassThrough());
  input.write('early');
  await new Promise((resolve) => setImmediate(resolve));
  expect(line.typed).toBe('');
  pump.release();
  await until(() => line.typed === 'early');
});
