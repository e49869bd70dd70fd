// SPDX-License-Identifier: BSD-2-Clause
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StreamLink } from '../../../src/host/net/stream-link.js';

let folder = '';
let server: Server;
let links: StreamLink[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-stream-'));
  links = [];
  server = createServer();
});
afterEach(async () => {
  for (const link of links) link.close();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

async function connected(events: Partial<Parameters<typeof StreamLink.connect>[2]> = {}) {
  const path = join(folder, 'socket');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const peer = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const link = await StreamLink.connect(path, 100, { frames: async () => {}, down: () => {}, ...events });
  links.push(link);
  return { link, peer: await peer };
}

test('sends and receives frames', async () => {
  let received: (frames: Uint8Array[]) => void = () => {};
  const incoming = new Promise<Uint8Array[]>((resolve) => {
    received = resolve;
  });
  const { link, peer } = await connected({ frames: async (frames) => received(frames) });
  const outgoing = new Promise<Buffer>((resolve) => peer.once('data', resolve));
  await new Promise<void>((resolve) => link.send(Uint8Array.of(1, 2), resolve));
  expect([...(await outgoing)]).toEqual([0, 0, 0, 2, 1, 2]);
  peer.write(Uint8Array.of(0, 0, 0, 1, 9));
  expect((await incoming).map((frame) => [...frame])).toEqual([[9]]);
});

test('reads no more while frames are being taken', async () => {
  const batches: (() => void)[] = [];
  let look: () => void = () => {};
  const taken: number[] = [];
  const { peer, link } = await connected({
    frames: (frames) =>
      new Promise((resolve) => {
        taken.push(...frames.map(([first = 0]) => first));
        batches.push(resolve);
        look();
      }),
  });
  const first = new Promise<void>((resolve) => {
    look = resolve;
  });
  peer.write(Uint8Array.of(0, 0, 0, 1, 1));
  await first;
  await new Promise<void>((resolve) => peer.write(Uint8Array.of(0, 0, 0, 1, 2), () => resolve()));
  // A frame that goes the other way meanwhile: by then what was written before could have been read.
  for (const _ of [1, 2]) {
    const echo = new Promise((resolve) => peer.once('data', resolve));
    link.send(Uint8Array.of(7), () => {});
    await echo;
  }
  expect(taken).toEqual([1]);
  const second = new Promise<void>((resolve) => {
    look = resolve;
  });
  batches[0]?.();
  await second;
  expect(taken).toEqual([1, 2]);
});

test.each([
  ['a peer that goes', (peer: Socket) => peer.end(), 'the other side has closed it'],
  ['a length that no frame has', (peer: Socket) => peer.write(Buffer.alloc(4, 1)), 'a frame of 16843009 bytes'],
])('%s brings the link down, once', async (_, act, reason) => {
  const reasons: string[] = [];
  const { promise, resolve } = latch();
  const { peer, link } = await connected({
    down: (why) => {
      reasons.push(why);
      resolve();
    },
  });
  peer.on('error', () => {});
  act(peer);
  await promise;
  await new Promise<void>((done) => link.send(Uint8Array.of(1), done));
  expect(reasons).toEqual([expect.stringContaining(reason)]);
});

test('a socket that is not there is refused by name', async () => {
  const path = join(folder, 'nobody');
  await expect(StreamLink.connect(path, 100, { frames: async () => {}, down: () => {} })).rejects.toThrow(
    `stream ${path}: cannot connect to it: no such file or directory`,
  );
  server.listen(path);
});

function latch(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
