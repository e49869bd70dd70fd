// SPDX-License-Identifier: BSD-2-Clause
/** The options of user-mode networking, from words to values. The words are bhyve's and, for addresses, QEMU's. */
import { isIPv4, isIPv6 } from 'node:net';
import type { Forward, SlirpRequest } from '../hypervisor/native-link.js';
import type { Options, Words } from './virtio-options.js';

export const SLIRP_OPTIONS = ['hostfwd', 'restrict', 'open', 'net', 'dns', 'dhcpstart'];

const NETWORK = '10.0.2.0/24';
/** In the network; what libslirp's documents and QEMU use. */
const HOST_NUMBER = 2;
const DNS_NUMBER = 3;
const DHCP_NUMBER = 15;
/** Room for these, and for what a gateway hands out. */
const LONGEST_PREFIX = 27;
const SHORTEST_PREFIX = 8;
const MOST_FORWARDS = 256;
const RULE = /^(tcp|udp):(\[[^\]]*\]|[^:[\]]*):(\d{1,5})-(\[[^\]]*\]|[^:[\]]*):(\d{1,5})$/;
const RULE_FORM = 'tcp|udp:[HOSTADDRESS]:HOSTPORT-[GUESTADDRESS]:GUESTPORT';

export function slirpRequest(words: Words, options: Options): SlirpRequest {
  const { network, prefix } = networkOf(words, options.net ?? NETWORK);
  const inside = (name: 'dns' | 'dhcpstart', number: number): string => {
    const word = options[name];
    if (word === undefined) return dotted(network + number);
    const address = isIPv4(word) ? numeric(word) : -1;
    const offset = address - network;
    if (offset > 0 && offset < 2 ** (32 - prefix) - 1 && offset !== HOST_NUMBER) return word;
    const accepted = `an address of ${dotted(network)}/${prefix} other than ${dotted(network + HOST_NUMBER)}`;
    throw words.error(name, `'${word}'; ${accepted} is accepted`);
  };
  const request = {
    network: dotted(network),
    mask: dotted(2 ** 32 - 2 ** (32 - prefix)),
    host: dotted(network + HOST_NUMBER),
    dns: inside('dns', DNS_NUMBER),
    dhcpStart: inside('dhcpstart', DHCP_NUMBER),
    isRestricted: words.flag('restrict', !words.flag('open', true)),
    forwards: forwards(words, options.hostfwd),
  };
  if (request.dns === request.dhcpStart) throw words.error('dns', `'${request.dns}' is what DHCP hands out first`);
  return request;
}

function networkOf(words: Words, text: string): { network: number; prefix: number } {
  const [address = '', length = '', ...more] = text.split('/');
  const prefix = /^\d{1,2}$/.test(length) ? Number(length) : 0;
  const isSound = more.length === 0 && isIPv4(address) && prefix >= SHORTEST_PREFIX && prefix <= LONGEST_PREFIX;
  const network = isSound ? numeric(address) : -1;
  if (isSound && network % 2 ** (32 - prefix) === 0) return { network, prefix };
  const accepted = `a network as in ${NETWORK}, with a prefix of ${SHORTEST_PREFIX} to ${LONGEST_PREFIX} bits`;
  throw words.error('net', `'${text}'; ${accepted}, is accepted`);
}

/** Rules of bhyve's form, separated by semicolons. */
function forwards(words: Words, text: string | undefined): Forward[] {
  if (text === undefined) return [];
  const rules = text.split(';').map((rule) => forward(words, rule));
  if (rules.length > MOST_FORWARDS)
    throw words.error('hostfwd', `${rules.length} rules; at most ${MOST_FORWARDS} are accepted`);
  const seen = new Set<string>();
  for (const { protocol, hostAddress, hostPort } of rules) {
    const port = `${protocol}:${hostAddress}:${hostPort}`;
    if (seen.has(port)) throw words.error('hostfwd', `'${port}' is there twice`);
    seen.add(port);
  }
  return rules;
}

function forward(words: Words, rule: string): Forward {
  const [, protocol, hostAddress = '', hostPort = '', guestAddress = '', guestPort = ''] = RULE.exec(rule) ?? [];
  const [host, guest] = [bare(hostAddress), bare(guestAddress)];
  const ports = [Number(hostPort), Number(guestPort)];
  const isSound =
    (protocol === 'tcp' || protocol === 'udp') &&
    ports.every((port) => port >= 1 && port <= 0xffff) &&
    (isIPv6(host) ? isIPv6(guest) : [host, guest].every((address) => address === '' || isIPv4(address)));
  if (isSound) {
    return {
      protocol,
      hostAddress: host,
      hostPort: Number(hostPort),
      guestAddress: guest,
      guestPort: Number(guestPort),
    };
  }
  const accepted = `${RULE_FORM}, with numeric addresses, those of IPv6 in brackets and both given`;
  throw words.error('hostfwd', `'${rule}'; accepted is ${accepted}`);
}

function bare(address: string): string {
  return address.startsWith('[') ? address.slice(1, -1) : address;
}

function numeric(address: string): number {
  return address.split('.').reduce((value, part) => value * 256 + Number(part), 0);
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
