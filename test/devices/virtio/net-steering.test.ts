// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { pairFor } from '../../../devices/virtio/net-steering.js';

const MOST = 8;

function ipv4({ protocol = 6, options = 0, fragment = 0, ports = [1, 2, 3, 4], tail = 0 } = {}): Uint8Array {
  const frame = new Uint8Array(120).fill(tail);
  frame.set([0x08, 0x00, 0x45 + options], 12);
  frame.set([fragment >> 8, fragment & 0xff], 20);
  frame[23] = protocol;
  frame.set([10, 0, 0, 2, 10, 0, 0, 1], 26);
  frame.set(ports, 34 + 4 * options);
  return frame;
}

function ipv6(next: number, ports: readonly number[], tail = 0): Uint8Array {
  const frame = new Uint8Array(120).fill(tail);
  frame.set([0x86, 0xdd], 12);
  frame[20] = next;
  frame.set(new Array(32).fill(7), 22);
  frame.set(ports, 54);
  return frame;
}

const portPairs = (make: (ports: number[]) => Uint8Array): Set<number> =>
  new Set(Array.from({ length: 100 }, (_, port) => pairFor(make([0, port, 0, 80]), MOST)));

test('ports of TCP and UDP spread over all pairs', () => {
  for (const protocol of [6, 17]) {
    expect(portPairs((ports) => ipv4({ protocol, ports })).size).toBe(MOST);
    expect(portPairs((ports) => ipv6(protocol, ports)).size).toBe(MOST);
  }
  expect(portPairs((ports) => ipv4({ options: 3, ports })).size).toBe(MOST);
});

test('what has no ports, or not in every piece, goes by its addresses', () => {
  expect(portPairs((ports) => ipv4({ protocol: 1, ports })).size).toBe(1);
  expect(portPairs((ports) => ipv6(58, ports)).size).toBe(1);
  const first = portPairs((ports) => ipv4({ fragment: 0x2000, ports }));
  expect(first.size).toBe(1);
  expect(portPairs((ports) => ipv4({ fragment: 0x0005, ports }))).toEqual(first);
});

test('nothing else of a packet counts', () => {
  expect(pairFor(ipv4({ tail: 1 }), MOST)).toBe(pairFor(ipv4({ tail: 99 }), MOST));
  expect(pairFor(ipv6(6, [1, 2, 3, 4], 0), MOST)).toBe(pairFor(ipv6(6, [1, 2, 3, 4], 5), MOST));
});

test('any bytes lead to a pair, and the same ones to the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 1, max: MOST }), (frame, pairs) => {
      const pair = pairFor(frame, pairs);
      return Number.isInteger(pair) && pair >= 0 && pair < pairs && pair === pairFor(frame.slice(), pairs);
    }),
  );
  expect(pairFor(new Uint8Array(60).fill(9), MOST)).toBe(0);
});
