// SPDX-License-Identifier: BSD-2-Clause
import {
  arrive,
  CSUM,
  counts,
  frame,
  GUEST_CSUM,
  GUEST_TSO4,
  HOST_TSO4,
  MTU,
  offer,
  RX,
  type StartedCard,
  send,
  startCard,
} from '../../support/net-card.js';
import { VERSION_1 } from '../../support/virtio-driver.js';

const PLAIN = new Array<number>(12).fill(0);
/** One segment of 100 bytes after the other. */
const SEGMENTS = [1, 1, 54, 0, 100, 0, 34, 0, 16, 0, 0, 0];

/** With the types of tags behind the addresses. */
function tagged(length: number, ...types: readonly number[]): Uint8Array {
  const bytes = frame(length);
  for (const [index, type] of types.entries()) new DataView(bytes.buffer).setUint16(12 + 4 * index, type);
  return bytes;
}

function received(started: StartedCard, bytes: Uint8Array, header = {}): number | undefined {
  offer(started, 8000);
  arrive(started, bytes, header);
  const [used] = started.driver.ring(RX).used();
  return used === undefined ? undefined : used.length - PLAIN.length;
}

function sent(started: StartedCard, bytes: Uint8Array, header = PLAIN): number | undefined {
  send(started, header, bytes);
  return started.cable.sent.pop()?.bytes.length;
}

describe.each([
  ['modern', { mtu: 1000, features: VERSION_1 | MTU }],
  ['legacy', { mtu: 1000, features: MTU, via: 'legacy', msix: false }],
] as const)('an MTU of 1000 that was agreed on, %s', (_, options) => {
  const { via } = { via: 'modern', ...options };
  const [plain, cut] = via === 'legacy' ? [PLAIN.slice(2), 2] : [PLAIN, 0];

  test.each([
    ['without a tag', 1014, []],
    ['with the tag of a VLAN', 1018, [0x8100]],
    ['with two tags', 1022, [0x88a8, 0x8100]],
    ['with more tags than there are', 1022, [0x88a8, 0x8100, 0x8100]],
  ] as const)('the longest frame %s', (__, longest, types) => {
    const started = startCard(options);
    expect(received(started, tagged(longest, ...types))).toBe(longest - cut);
    expect(sent(started, tagged(longest, ...types), plain)).toBe(longest);
    expect(counts(started)).toEqual({ in: 0, out: 0 });
    expect(received(started, tagged(longest + 1, ...types))).toBeUndefined();
    expect(sent(started, tagged(longest + 1, ...types), plain)).toBeUndefined();
    expect(counts(started)).toEqual({ in: 1, out: 1 });
  });
});

test('segments that are still to be cut may be longer', () => {
  const features = VERSION_1 | MTU | CSUM | GUEST_CSUM | HOST_TSO4 | GUEST_TSO4;
  const started = startCard({ mtu: 1000, features });
  const header = { flags: 1, gsoType: 1, hdrLen: 54, gsoSize: 100, csumStart: 34, csumOffset: 16 };
  expect(received(started, frame(5000), header)).toBe(5000);
  expect(sent(started, frame(5000), SEGMENTS)).toBe(5000);
});

test('an MTU that the driver did not agree on binds nobody', () => {
  const started = startCard({ mtu: 1000, features: VERSION_1 });
  expect(received(started, frame(1514))).toBe(1514);
  expect(sent(started, frame(1514))).toBe(1514);
});
