// SPDX-License-Identifier: BSD-2-Clause
/** The options of network cards, from words to values. */
import { LARGEST_MTU, SMALLEST_MTU } from '../../devices/virtio/net-config.js';
import { type Options, TRANSPORT_OPTIONS, transport, type VirtioOptions, Words } from './virtio-options.js';

export type LinkConfig =
  | { readonly kind: 'stream'; readonly path: string }
  | { readonly kind: 'loopback'; readonly name: string };

export interface NetConfig extends VirtioOptions {
  readonly link: LinkConfig;
  /** Without one it follows from the machine's name and the slot. */
  readonly mac?: Uint8Array;
  /** Null: the guest is told none. */
  readonly mtu: number | null;
}

/** Of bhyve's, whose back ends are not there yet. */
const NOT_YET = ['backend', 'hostfwd'];
export const NET_OPTIONS = ['stream', 'loopback', 'mac', 'mtu', ...NOT_YET, ...TRANSPORT_OPTIONS];

const ACCEPTED = 'stream=SOCKET and loopback=NAME are accepted';
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
const GROUP_BIT = 0x01;

export function netConfig(where: string, options: Options): NetConfig {
  const words = new Words(where, options);
  const mac = macAddress(words, options.mac);
  return {
    ...transport(words),
    link: link(words, options),
    ...(mac !== null && { mac }),
    mtu: options.mtu === undefined ? null : words.number('mtu', SMALLEST_MTU, SMALLEST_MTU, LARGEST_MTU),
  };
}

function link(words: Words, options: Options): LinkConfig {
  const { stream, loopback } = options;
  for (const name of NOT_YET) {
    const word = options[name];
    if (word !== undefined) throw words.error(name, `'${word}': tap and slirp are not there yet; ${ACCEPTED}`);
  }
  if (stream !== undefined && loopback !== undefined) throw words.error('stream', 'given together with loopback');
  if (stream) return { kind: 'stream', path: stream };
  if (loopback) return { kind: 'loopback', name: loopback };
  throw words.error('stream', `missing; ${ACCEPTED}`);
}

function macAddress(words: Words, text: string | undefined): Uint8Array | null {
  if (text === undefined) return null;
  const bytes = MAC.test(text) ? Uint8Array.from(text.split(':'), (digits) => Number.parseInt(digits, 16)) : null;
  const isUsable = bytes !== null && ((bytes[0] ?? 0) & GROUP_BIT) === 0 && bytes.some((byte) => byte !== 0);
  if (isUsable) return bytes;
  throw words.error('mac', `'${text}'; accepted are six bytes as in 00:a0:98:12:34:56, of one card and not all zero`);
}
