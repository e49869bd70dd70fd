// SPDX-License-Identifier: BSD-2-Clause
import { netConfig } from '../../src/machine/net-options.js';

const transport = { interfaces: 'transitional', packed: false, msix: true };

test('a card needs a link only', () => {
  expect(netConfig('net', { stream: '/s' })).toEqual({ ...transport, link: { kind: 'stream', path: '/s' }, mtu: null });
  expect(netConfig('net', { loopback: 'a' }).link).toEqual({ kind: 'loopback', name: 'a' });
});

test('address and MTU can be given', () => {
  const { mac, mtu } = netConfig('net', { loopback: 'a', mac: '00:A0:98:01:02:ff', mtu: '9000' });
  expect([mac, mtu]).toEqual([Uint8Array.of(0, 0xa0, 0x98, 1, 2, 0xff), 9000]);
});

test.each<[Record<string, string>, string]>([
  [{}, 'net stream: missing; stream=SOCKET and loopback=NAME are accepted'],
  [{ stream: '' }, 'net stream: missing'],
  [{ stream: '/s', loopback: 'a' }, 'net stream: given together with loopback'],
  [{ backend: 'tap0' }, "net backend: 'tap0': tap and slirp are not there yet; stream=SOCKET and loopback=NAME"],
  [{ stream: '/s', hostfwd: 'tcp:1-2' }, "net hostfwd: 'tcp:1-2': tap and slirp are not there yet"],
  [{ loopback: 'a', mac: '01:02:03:04:05:06' }, "net mac: '01:02:03:04:05:06'; accepted are six bytes"],
  [{ loopback: 'a', mac: '00:00:00:00:00:00' }, 'net mac: '],
  [{ loopback: 'a', mac: '0:1:2:3:4:5' }, 'net mac: '],
  [{ loopback: 'a', mtu: '67' }, "net mtu: '67'; a whole number from 68 to 65535 is accepted"],
])('%j is refused', (options, message) => {
  expect(() => netConfig('net', options)).toThrow(message);
});
