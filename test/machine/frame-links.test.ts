// SPDX-License-Identifier: BSD-2-Clause
import { COMPLETE } from '../../devices/virtio/net-header.js';
import { FrameLinks, type LinkMessage } from '../../src/machine/frame-links.js';
import { LinkedCards } from '../../src/machine/linked-cards.js';

function open() {
  const posted: LinkMessage[] = [];
  const cards = new LinkedCards();
  const links = new FrameLinks((message) => posted.push(message), cards);
  const backend = links.open('net', '/socket', null);
  const [first] = posted.splice(0);
  const unsent = new Int32Array(first?.event === 'link' ? first.unsent : new SharedArrayBuffer(4));
  return { cards, backend, posted, first, unsent };
}

const big = { header: COMPLETE, bytes: new Uint8Array(60_000) };

test('asks for a socket, and posts what is sent', () => {
  const { backend, posted, first } = open();
  expect(first).toMatchObject({ event: 'link', id: 'net', path: '/socket' });
  expect(backend.send(big)).toBe(true);
  expect(posted).toEqual([{ event: 'frame', id: 'net', bytes: big.bytes }]);
});

test('what the socket does not take in time is lost', () => {
  const { backend, posted, unsent } = open();
  while (backend.send(big));
  expect(posted).toHaveLength(17);
  Atomics.sub(unsent, 0, 60_000);
  expect([backend.send(big), backend.send(big)]).toEqual([true, false]);
});

test('frames and the end of the link reach the card that has it', () => {
  const { backend, cards } = open();
  const seen: unknown[] = [];
  backend.attach({ hasRoom: true, receive: ({ bytes }) => seen.push(bytes[0]), setLink: (up) => seen.push(up) });
  cards.receiveFrames('net', [Uint8Array.of(1), Uint8Array.of(2)]);
  cards.receiveFrames('another', [Uint8Array.of(3)]);
  cards.setLink('net', false);
  expect(seen).toEqual([1, 2, false]);
  backend.close();
  cards.receiveFrames('net', [Uint8Array.of(4)]);
  expect(seen).toHaveLength(3);
});
