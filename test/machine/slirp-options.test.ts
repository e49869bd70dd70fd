// SPDX-License-Identifier: BSD-2-Clause
import { slirpRequest } from '../../src/machine/slirp-options.js';
import { type Options, Words } from '../../src/machine/virtio-options.js';

const request = (options: Options) => slirpRequest(new Words('net', options), options);
const rule = (hostAddress: string, hostPort: number, guestAddress: string, guestPort: number, protocol = 'tcp') => ({
  protocol,
  hostAddress,
  hostPort,
  guestAddress,
  guestPort,
});

test.each([
  ['tcp:127.0.0.1:2222-:22', [rule('127.0.0.1', 2222, '', 22)]],
  ['tcp::80-10.0.2.16:8080;udp:0.0.0.0:53-:53', [rule('', 80, '10.0.2.16', 8080), rule('0.0.0.0', 53, '', 53, 'udp')]],
  ['tcp:[::1]:65535-[fec0::15]:1', [rule('::1', 65535, 'fec0::15', 1)]],
])('%s', (hostfwd, forwards) => {
  expect(request({ hostfwd }).forwards).toEqual(forwards);
});

test('another network moves all addresses, unless they are given', () => {
  expect(request({ net: '192.168.128.0/20' })).toMatchObject({
    network: '192.168.128.0',
    mask: '255.255.240.0',
    host: '192.168.128.2',
    dns: '192.168.128.3',
    dhcpStart: '192.168.128.15',
  });
  expect(request({ dns: '10.0.2.4', dhcpstart: '10.0.2.100' })).toMatchObject({
    dns: '10.0.2.4',
    dhcpStart: '10.0.2.100',
  });
});

test.each([
  [{}, false],
  [{ restrict: 'true' }, true],
  [{ open: 'true' }, false],
  [{ open: 'off' }, true],
  [{ restrict: 'off', open: 'off' }, false],
])('restriction: %j', (options, isRestricted) => {
  expect(request(options).isRestricted).toBe(isRestricted);
});

test.each<[Options, string]>([
  [{ hostfwd: '' }, "net hostfwd: ''; accepted is tcp|udp:[HOSTADDRESS]:HOSTPORT-[GUESTADDRESS]:GUESTPORT"],
  [{ hostfwd: 'tcp:127.0.0.1:2222-:22;' }, "net hostfwd: ''"],
  [{ hostfwd: 'sctp::1-:1' }, "net hostfwd: 'sctp::1-:1'"],
  [{ hostfwd: 'tcp:localhost:1-:1' }, "net hostfwd: 'tcp:localhost:1-:1'"],
  [{ hostfwd: 'tcp::0-:1' }, "net hostfwd: 'tcp::0-:1'"],
  [{ hostfwd: 'tcp::1-:65536' }, "net hostfwd: 'tcp::1-:65536'"],
  [{ hostfwd: 'tcp:1-2' }, "net hostfwd: 'tcp:1-2'"],
  [{ hostfwd: 'tcp:[::1]:1-:1' }, "net hostfwd: 'tcp:[::1]:1-:1'"],
  [{ hostfwd: 'tcp::1-[::1]:1' }, "net hostfwd: 'tcp::1-[::1]:1'"],
  [{ hostfwd: 'tcp::1-:1;tcp::1-:2' }, "net hostfwd: 'tcp::1' is there twice"],
  [{ net: '10.0.2.0' }, "net net: '10.0.2.0'; a network as in 10.0.2.0/24"],
  [{ net: '10.0.2.1/24' }, "net net: '10.0.2.1/24'"],
  [{ net: '10.0.2.0/28' }, "net net: '10.0.2.0/28'"],
  [{ dns: '10.0.3.3' }, "net dns: '10.0.3.3'; an address of 10.0.2.0/24 other than 10.0.2.2 is accepted"],
  [{ dns: '10.0.2.2' }, "net dns: '10.0.2.2'"],
  [{ dhcpstart: '10.0.2.255' }, "net dhcpstart: '10.0.2.255'"],
  [{ dhcpstart: 'x' }, "net dhcpstart: 'x'"],
  [{ dhcpstart: '10.0.2.3' }, "net dns: '10.0.2.3' is what DHCP hands out first"],
  [{ restrict: 'maybe' }, "net restrict: 'maybe'"],
])('%j is refused', (options, message) => {
  expect(() => request(options)).toThrow(message);
});
