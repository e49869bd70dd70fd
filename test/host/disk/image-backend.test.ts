// SPDX-License-Identifier: BSD-2-Clause
/** A disk's work on other threads: hosts that are late, fail, hang, or have too much to do. */
import { constants } from 'node:os';
import type { BlockRequest } from '../../../devices/virtio/block-backend.js';
import { SinkLogger } from '../../../src/core/log.js';
import type { DiskQueue } from '../../../src/host/disk/disk-queue.js';
import { type DiskFacts, ImageBackend } from '../../../src/host/disk/image-backend.js';
import { DiskImage, type ImageRequest } from '../../../src/hypervisor/disk-image.js';

const { EIO, ENOSPC, EOPNOTSUPP } = constants.errno;
const READ: BlockRequest = { kind: 'read', offset: 0, length: 512, memory: [new Uint8Array(512)] };
const WRITE: BlockRequest = { ...READ, kind: 'write', durable: true };
const ZERO: BlockRequest = { kind: 'zero', offset: 512, length: 1024, unmap: true, durable: false };

/** Threads that do what the test says, when it says so. */
class ScriptedThreads implements DiskQueue {
  readonly asked: ImageRequest[] = [];
  readonly arrived: [token: number, error: number][] = [];
  /** Waits so far, in milliseconds. */
  readonly waits: number[] = [];
  isFull = false;
  isCached = false;
  private handler: (token: number, error: number) => void = () => {};
  readonly tokens: number[] = [];

  readonly threads = {
    readCached: (_image: DiskImage, offset: number, memory: readonly Uint8Array[]): boolean => {
      if (this.isCached) for (const view of memory) view.fill(1 + offset / 512);
      return this.isCached;
    },
    submit: (_image: DiskImage, source: number, token: number, request: ImageRequest): boolean => {
      expect(source).toBe(5);
      if (this.isFull) return false;
      this.asked.push(request);
      this.tokens.push(token);
      return true;
    },
  };
  readonly events = {
    register: (handler: (token: number, error: number) => void): number => {
      this.handler = handler;
      return 5;
    },
    dispatchOne: (source: number, milliseconds: number): boolean => {
      expect(source).toBe(5);
      this.waits.push(milliseconds);
      const event = this.arrived.shift();
      if (event !== undefined) this.handler(...event);
      return event !== undefined;
    },
  };

  /** The host is done with the request that was submitted as the `index`th. */
  finish(index: number, error = 0): void {
    this.arrived.push([this.tokens[index] ?? -1, error]);
  }

  /** What the machine's thread does between two slices. */
  dispatch(): void {
    for (let event = this.arrived.shift(); event !== undefined; event = this.arrived.shift()) this.handler(...event);
  }
}

function make({ queue = null, ...facts }: Partial<DiskFacts> & { queue?: DiskQueue | null } = {}) {
  const performed: number[][] = [];
  const log: string[] = [];
  const state = { result: 0, isClosed: false };
  const addon = {
    perform: (kind: number, flags: number, offset: number, length: number) => {
      performed.push([kind, flags, offset, length]);
      return state.result;
    },
    readCached: () => false,
    submit: () => false,
    close: () => {
      state.isClosed = true;
    },
  };
  const backend = new ImageBackend(
    new DiskImage('disk /d', addon),
    {
      name: 'disk /d',
      capacity: 4096,
      readOnly: false,
      logicalBlock: 512,
      physicalBlock: 512,
      canDiscard: true,
      identity: '',
      ...facts,
    },
    { queue, log: new SinkLogger((level, _, message) => log.push(`${level} ${message}`)), patienceMilliseconds: 1500 },
  );
  const done: string[] = [];
  const ask = (name: string, request: BlockRequest): void =>
    backend.submit(request, (result) => done.push(`${name} ${result}`));
  return { backend, performed, log, state, done, ask };
}

describe('without threads', () => {
  test('everything is done within submit', () => {
    const { ask, done, performed } = make();
    ask('r', READ);
    ask('w', WRITE);
    ask('f', { kind: 'flush' });
    ask('d', { kind: 'discard', offset: 512, length: 512, durable: true });
    ask('z', ZERO);
    expect(done).toEqual(['r ok', 'w ok', 'f ok', 'd ok', 'z ok']);
    expect(performed).toEqual([
      [0, 0, 0, 512],
      [1, 1, 0, 512],
      [2, 0, 0, 0],
      [3, 1, 512, 512],
      [4, 2, 512, 1024],
    ]);
  });

  test('nothing is in flight', () => {
    expect(() => make().backend.wait()).toThrow('disk /d: nothing is in flight');
  });
});

describe('with threads', () => {
  test('requests are done when the host is, in its order', () => {
    const queue = new ScriptedThreads();
    const { ask, done, backend } = make({ queue });
    ask('first', READ);
    ask('second', WRITE);
    expect(done).toEqual([]);
    queue.finish(1);
    backend.wait();
    expect(done).toEqual(['second ok']);
    queue.finish(0);
    queue.dispatch();
    expect(done).toEqual(['second ok', 'first ok']);
    expect(queue.asked.map(({ kind }) => kind)).toEqual(['read', 'write']);
  });

  test('what the host has in memory is there at once; long reads and writes are for threads all the same', () => {
    const queue = new ScriptedThreads();
    queue.isCached = true;
    const { ask, done } = make({ queue, capacity: 1024 * 1024 });
    const memory = [new Uint8Array(512), new Uint8Array(512)];
    ask('cached', { kind: 'read', offset: 1024, length: 1024, memory });
    expect(done).toEqual(['cached ok']);
    expect(memory).toEqual([new Uint8Array(512).fill(3), new Uint8Array(512).fill(3)]);
    ask('long', { kind: 'read', offset: 0, length: 66_048, memory: [new Uint8Array(66_048)] });
    ask('write', WRITE);
    expect(done).toEqual(['cached ok']);
    expect(queue.asked.map(({ kind }) => kind)).toEqual(['read', 'write']);
  });

  test('a request may ask for another one when it is done', () => {
    const queue = new ScriptedThreads();
    const { backend, done, ask } = make({ queue });
    backend.submit(READ, () => ask('next', WRITE));
    queue.finish(0);
    backend.wait();
    queue.finish(1);
    backend.wait();
    expect(done).toEqual(['next ok']);
  });

  test('a host that hangs is named, with what it owes', () => {
    const queue = new ScriptedThreads();
    const { ask, backend, done } = make({ queue });
    ask('a', READ);
    expect(() => backend.wait()).toThrow('disk /d: the host has not finished a request after 1.5 s');
    ask('b', READ);
    expect(() => backend.wait()).toThrow('disk /d: the host has not finished 2 requests after 1 s');
    queue.finish(0);
    backend.wait();
    expect(done).toEqual(['a ok']);
    queue.finish(1);
    backend.wait();
    expect(queue.waits).toEqual([1500, 1000, 1000, 1500]);
  });

  test('with too much on its way the machine’s thread does it', () => {
    const queue = new ScriptedThreads();
    const { ask, done, performed } = make({ queue });
    queue.isFull = true;
    ask('w', WRITE);
    expect(done).toEqual(['w ok']);
    expect(performed).toHaveLength(1);
  });

  test('an event that nobody waits for is nothing', () => {
    const queue = new ScriptedThreads();
    const { backend, done } = make({ queue });
    queue.arrived.push([77, 0]);
    queue.dispatch();
    expect(done).toEqual([]);
    expect(() => backend.wait()).toThrow('nothing is in flight');
  });
});

test('failures are the guest’s to see and the log’s to explain, once each', () => {
  const queue = new ScriptedThreads();
  const { ask, done, log } = make({ queue });
  const results = [EIO, EIO, ENOSPC, EOPNOTSUPP];
  results.forEach((error, index) => {
    ask(`${index}`, index === 0 ? READ : WRITE);
    queue.finish(index, error);
  });
  queue.dispatch();
  expect(done).toEqual(['0 error', '1 error', '2 error', '3 unsupported']);
  expect(log).toEqual([
    'warn disk /d: read: i/o error',
    'warn disk /d: write: i/o error',
    'warn disk /d: write: no space left on device',
  ]);
  ask('again', WRITE);
  queue.finish(4, EIO);
  queue.dispatch();
  expect(log).toHaveLength(3);
});

test('a read-only disk is not even asked to write', () => {
  const { ask, done, performed } = make({ readOnly: true });
  ask('w', WRITE);
  ask('z', ZERO);
  ask('f', { kind: 'flush' });
  expect(done).toEqual(['w error', 'z error', 'f ok']);
  expect(performed).toEqual([]);
});

test('space is kept where the guest may not give it back', () => {
  const { ask, performed } = make({ canDiscard: false });
  ask('z', ZERO);
  expect(performed).toEqual([[4, 0, 512, 1024]]);
});

test('closes its image', () => {
  const { backend, state } = make();
  backend.close();
  expect(state.isClosed).toBe(true);
});
