// SPDX-License-Identifier: BSD-2-Clause
import { Writable } from 'node:stream';
import { StallWatch } from '../../../src/host/console/stall-watch.js';

const TIME = 1000;
const ROOM = 4;
const MORE = 'more than that';

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A client that takes a piece when it is told to. */
class Client extends Writable {
  private taken: (() => void)[] = [];

  constructor() {
    super({ highWaterMark: ROOM, decodeStrings: false });
  }

  override _write(_piece: unknown, _encoding: string, done: () => void): void {
    this.taken.push(done);
  }

  /** All that has been sent; who waits for that has heard of it when this ends. */
  async takeAll(): Promise<void> {
    for (let done = this.taken.shift(); done !== undefined; done = this.taken.shift()) {
      done();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  takeOne(): void {
    this.taken.shift()?.();
  }
}

function followed(watch = new StallWatch(TIME), attach: (client: Client) => void = () => {}) {
  const client = new Client();
  watch.follow(client, () => attach(client));
  return { watch, client };
}

/** Sends and tells the watch, as a console does. */
function send({ watch, client }: ReturnType<typeof followed>): void {
  client.write(MORE);
  watch.look();
}

test('a client that takes nothing is sent away when its time is over', () => {
  const stalled = followed();
  send(stalled);
  jest.advanceTimersByTime(TIME - 1);
  expect(stalled.client.destroyed).toBe(false);
  jest.advanceTimersByTime(1);
  expect(stalled.client.destroyed).toBe(true);
});

test('the usual time is ten seconds', () => {
  const stalled = followed(new StallWatch());
  send(stalled);
  jest.advanceTimersByTime(9999);
  expect(stalled.client.destroyed).toBe(false);
  jest.advanceTimersByTime(1);
  expect(stalled.client.destroyed).toBe(true);
});

test('a client that has room for all of it may take its time', () => {
  const idle = followed();
  idle.client.write('abc');
  idle.watch.look();
  jest.advanceTimersByTime(10 * TIME);
  expect(idle.client.destroyed).toBe(false);
});

test('more output gives no more time, and neither does a piece that is not all', () => {
  const stalled = followed();
  send(stalled);
  jest.advanceTimersByTime(TIME - 1);
  send(stalled);
  stalled.client.takeOne();
  jest.advanceTimersByTime(1);
  expect(stalled.client.destroyed).toBe(true);
});

test('what was there already when the client came counts', () => {
  const { client } = followed(new StallWatch(TIME), (there) => there.write(MORE));
  jest.advanceTimersByTime(TIME);
  expect(client.destroyed).toBe(true);
});

test('a client that has taken all has its whole time again for what is sent then', async () => {
  // Output that waits goes out as soon as there is room, so there is never a moment with nothing to take.
  const slow = followed(new StallWatch(TIME), (client) => client.on('drain', () => client.write(MORE)));
  send(slow);
  for (let turn = 0; turn < 5; turn += 1) {
    jest.advanceTimersByTime(TIME - 1);
    slow.client.takeOne();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(slow.client.destroyed).toBe(false);
  jest.advanceTimersByTime(TIME);
  expect(slow.client.destroyed).toBe(true);
});

test('a client that has taken all and hears no more stays', async () => {
  const slow = followed();
  send(slow);
  send(slow);
  await slow.client.takeAll();
  jest.advanceTimersByTime(10 * TIME);
  expect(slow.client.destroyed).toBe(false);
});

test('a client that has left is not waited for', () => {
  const gone = followed();
  send(gone);
  gone.watch.end();
  jest.advanceTimersByTime(10 * TIME);
  expect(gone.client.destroyed).toBe(false);
});

test('what a client takes after it has left says nothing of the next one', async () => {
  const watch = new StallWatch(TIME);
  const first = followed(watch);
  send(first);
  watch.end();
  const second = followed(watch);
  send(second);
  jest.advanceTimersByTime(TIME - 1);
  await first.client.takeAll();
  jest.advanceTimersByTime(1);
  expect([first.client.destroyed, second.client.destroyed]).toEqual([false, true]);
});
