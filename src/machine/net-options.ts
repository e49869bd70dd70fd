// SPDX-License-Identifier: BSD-2-Clause
/** The options of network cards, from words to values. */
import { type NetOffloads, NO_OFFLOADS } from '../../devices/virtio/net-backend.js';
import { LARGEST_MTU, MOST_PAIRS, SMALLEST_MTU } from '../../devices/virtio/net-config.js';
import type { LinkRequest } from '../hypervisor/native-link.js';
import { SLIRP_OPTIONS, slirpRequest } from './slirp-options.js';
import { type Options, TRANSPORT_OPTIONS, transport, type VirtioOptions, Words } from './virtio-options.js';

export type LinkConfig =
  | {
      readonly kind: 'stream';
      readonly path: string;
      /** Seconds after which a lost connection is tried again; null: never. */
      readonly reconnect: number | null;
    }
  | { readonly kind: 'loopback'; readonly name: string }
  | { readonly kind: 'native'; readonly request: LinkRequest; readonly offloads: NetOffloads };

export interface NetConfig extends VirtioOptions {
  readonly link: LinkConfig;
  /** Without one it follows from the machine's name and the slot. */
  readonly mac?: Uint8Array;
  /** Null: the guest is told none. */
  readonly mtu: number | null;
  /** Of queues. */
  readonly pairs: number;
}

const TAP_OPTIONS = ['offload'];
const STREAM_OPTIONS = ['reconnect'];
/** Each of these says what the card is connected to. */
const BACKENDS = ['backend', 'tap', 'stream', 'loopback'] as const;
export const NET_OPTIONS = [
  ...BACKENDS,
  ...SLIRP_OPTIONS,
  ...TAP_OPTIONS,
  ...STREAM_OPTIONS,
  'mac',
  'mtu',
  'queues',
  ...TRANSPORT_OPTIONS,
];

const ACCEPTED = 'slirp, tapN, tap=NAME, stream=SOCKET and loopback=NAME are accepted';
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
const GROUP_BIT = 0x01;
/** Of bhyve's back ends, those that are taps by their name. */
const TAP_WORD = /^(tap|vmnet)/;
/** What an interface may be called, without a `%`, by which Linux would choose a number. */
const TAP_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$/;
const LONGEST_RECONNECT = 3600;
/** Nothing behind libslirp sees segments, so they need not be cut; their sums are made by the link. */
const SLIRP_OFFLOADS: NetOffloads = { checksum: true, segmentation: true, udpSegmentation: false };

export function netConfig(where: string, options: Options): NetConfig {
  const words = new Words(where, options);
  const mac = macAddress(words, options.mac);
  return {
    ...transport(words),
    link: link(words, options),
    ...(mac !== null && { mac }),
    mtu: options.mtu === undefined ? null : words.number('mtu', SMALLEST_MTU, SMALLEST_MTU, LARGEST_MTU),
    pairs: words.number('queues', 1, 1, MOST_PAIRS),
  };
}

function link(words: Words, options: Options): LinkConfig {
  const [given, other] = BACKENDS.filter((name) => options[name] !== undefined);
  if (given === undefined) throw words.error('backend', `missing; ${ACCEPTED}`);
  if (other !== undefined) throw words.error(other, `given together with ${given}`);
  const word = options[given] ?? '';
  const isSlirp = given === 'backend' && word === 'slirp';
  const isTap = given === 'tap' || (given === 'backend' && TAP_WORD.test(word));
  refuse(words, options, isSlirp ? [] : SLIRP_OPTIONS, 'goes with slirp');
  refuse(words, options, isTap ? [] : TAP_OPTIONS, 'goes with a tap');
  refuse(words, options, given === 'stream' ? [] : STREAM_OPTIONS, 'goes with stream');
  if (word === '') throw words.error(given, `missing; ${ACCEPTED}`);
  if (isSlirp) {
    return { kind: 'native', request: { kind: 'slirp', ...slirpRequest(words, options) }, offloads: SLIRP_OFFLOADS };
  }
  if (isTap) return tap(words, given, word, options);
  if (given === 'loopback') return { kind: 'loopback', name: word };
  if (given === 'backend') throw words.error('backend', `'${word}'; ${ACCEPTED}`);
  const reconnect = options.reconnect === undefined ? null : words.number('reconnect', 1, 1, LONGEST_RECONNECT);
  return { kind: 'stream', path: word, reconnect };
}

function refuse(words: Words, options: Options, names: readonly string[], why: string): void {
  const stray = names.find((name) => options[name] !== undefined);
  if (stray !== undefined) throw words.error(stray, why);
}

function tap(words: Words, given: string, name: string, options: Options): LinkConfig {
  if (!TAP_NAME.test(name)) {
    throw words.error(given, `'${name}'; 1 to 15 letters, digits, and _ . : @ - after the first are accepted`);
  }
  return { kind: 'native', request: { kind: 'tap', name }, offloads: tapOffloads(words, options.offload) };
}

/** Not what this host can do but what was asked for: a snapshot has to find the same on the next host. */
function tapOffloads(words: Words, word = process.platform === 'linux' ? 'on' : 'off'): NetOffloads {
  switch (word) {
    case 'off':
      return NO_OFFLOADS;
    case 'on':
      return { checksum: true, segmentation: true, udpSegmentation: false };
    case 'udp':
      return { checksum: true, segmentation: true, udpSegmentation: true };
    default:
      throw words.error('offload', `'${word}'; accepted are on, off, and udp for segments of UDP as well`);
  }
}

function macAddress(words: Words, text: string | undefined): Uint8Array | null {
  if (text === undefined) return null;
  const bytes = MAC.test(text) ? Uint8Array.from(text.split(':'), (digits) => Number.parseInt(digits, 16)) : null;
  const isUsable = bytes !== null && ((bytes[0] ?? 0) & GROUP_BIT) === 0 && bytes.some((byte) => byte !== 0);
  if (isUsable) return bytes;
  throw words.error('mac', `'${text}'; accepted are six bytes as in 00:a0:98:12:34:56, of one card and not all zero`);
}
