// SPDX-License-Identifier: BSD-2-Clause
import { netConfig } from '../../src/machine/net-options.js';

const transport = { interfaces: 'transitional', packed: false, msix: true };
const STREAM = { kind: 'stream', path: '/s', reconnect: null };

test('a card needs a link only', () => {
  expect(netConfig('net', { stream: '/s' })).toEqual({ ...transport, link: STREAM, mtu: null, pairs: 1 });
  expect(netConfig('net', { loopback: 'a' }).link).toEqual({ kind: 'loopback', name: 'a' });
});

test('address, MTU and pairs of queues can be given', () => {
  const { mac, mtu, pairs } = netConfig('net', { loopback: 'a', mac: '00:A0:98:01:02:ff', mtu: '9000', queues: '4' });
  expect([mac, mtu, pairs]).toEqual([Uint8Array.of(0, 0xa0, 0x98, 1, 2, 0xff), 9000, 4]);
});

test('a lost stream may be tried again', () => {
  expect(netConfig('net', { stream: '/s', reconnect: '5' }).link).toEqual({ ...STREAM, reconnect: 5 });
});

const NONE = { checksum: false, segmentation: false, udpSegmentation: false };
const TCP = { checksum: true, segmentation: true, udpSegmentation: false };

test.each([
  [{ backend: 'tap0', offload: 'on' }, 'tap0', TCP],
  [{ backend: 'vmnet12', offload: 'off' }, 'vmnet12', NONE],
  [{ tap: 'lan', offload: 'udp' }, 'lan', { ...TCP, udpSegmentation: true }],
])('%j is a tap', (options, name, offloads) => {
  expect(netConfig('net', options).link).toEqual({ kind: 'native', request: { kind: 'tap', name }, offloads });
});

test('user-mode networking has the addresses that everybody knows', () => {
  expect(netConfig('net', { backend: 'slirp' }).link).toEqual({
    kind: 'native',
    request: {
      kind: 'slirp',
      network: '10.0.2.0',
      mask: '255.255.255.0',
      host: '10.0.2.2',
      dns: '10.0.2.3',
      dhcpStart: '10.0.2.15',
      isRestricted: false,
      forwards: [],
    },
    offloads: TCP,
  });
});

test.each<[Record<string, string>, string]>([
  [{}, 'net backend: missing; slirp, tapN, tap=NAME, stream=SOCKET and loopback=NAME are accepted'],
  [{ stream: '' }, 'net stream: missing'],
  [{ stream: '/s', loopback: 'a' }, 'net loopback: given together with stream'],
  [
    { backend: 'netgraph' },
    "net backend: 'netgraph'; slirp, tapN, tap=NAME, stream=SOCKET and loopback=NAME are accepted",
  ],
  [{ stream: '/s', hostfwd: 'tcp:1-2' }, 'net hostfwd: goes with slirp'],
  [{ loopback: 'a', reconnect: '1' }, 'net reconnect: goes with stream'],
  [{ stream: '/s', reconnect: '0' }, "net reconnect: '0'; a whole number from 1 to 3600 is accepted"],
  [{ backend: 'slirp', offload: 'off' }, 'net offload: goes with a tap'],
  [{ backend: 'tap0', offload: 'tso' }, "net offload: 'tso'; accepted are on, off, and udp"],
  [{ tap: 'a name' }, "net tap: 'a name'; 1 to 15 letters"],
  [{ tap: 'tap%d' }, "net tap: 'tap%d'; 1 to 15 letters"],
  [{ backend: 'tap/../../x' }, "net backend: 'tap/../../x'; 1 to 15 letters"],
  [{ loopback: 'a', queues: '9' }, "net queues: '9'; a whole number from 1 to 8 is accepted"],
  [{ loopback: 'a', mac: '01:02:03:04:05:06' }, "net mac: '01:02:03:04:05:06'; accepted are six bytes"],
  [{ loopback: 'a', mac: '00:00:00:00:00:00' }, 'net mac: '],
  [{ loopback: 'a', mac: '0:1:2:3:4:5' }, 'net mac: '],
  [{ loopback: 'a', mtu: '67' }, "net mtu: '67'; a whole number from 68 to 65535 is accepted"],
])('%j is refused', (options, message) => {
  expect(() => netConfig('net', options)).toThrow(message);
});
