// SPDX-License-Identifier: BSD-2-Clause
/** The options of a socket device, from words to values. */
import { FIRST_GUEST_CID, LAST_GUEST_CID } from '../../devices/virtio/vsock-packet.js';
import { type Options, TRANSPORT_OPTIONS, transport, type VirtioOptions, Words } from './virtio-options.js';

export interface VsockConfig extends VirtioOptions {
  readonly cid: bigint;
  /** Of the socket; null: the guest's own ports. */
  readonly path: string | null;
}

export const VSOCK_OPTIONS = ['cid', 'path', 'loopback', ...TRANSPORT_OPTIONS];

/** What the name of a unix socket may have, less the longest `_PORT`. */
const LONGEST_PATH = 107 - '_4294967295'.length;

export function vsockConfig(where: string, options: Options): VsockConfig {
  const words = new Words(where, { ...options, modern: options.modern ?? 'on' });
  const common = transport(words);
  if (common.interfaces !== 'modern') {
    throw words.error('modern', `'${words.modern}'; a socket device has the modern interface only, so on is accepted`);
  }
  return { ...common, cid: guestCid(words, options.cid), path: socketPath(words, options) };
}

function guestCid(words: Words, text = String(FIRST_GUEST_CID)): bigint {
  const cid = /^\d{1,10}$/.test(text) ? BigInt(text) : 0n;
  if (cid >= FIRST_GUEST_CID && cid <= LAST_GUEST_CID) return cid;
  throw words.error('cid', `'${text}'; a whole number from ${FIRST_GUEST_CID} to ${LAST_GUEST_CID} is accepted`);
}

function socketPath(words: Words, { path }: Options): string | null {
  if (words.flag('loopback')) {
    if (path === undefined) return null;
    throw words.error('path', 'given together with loopback');
  }
  if (path === undefined || path === '') throw words.error('path', 'missing; give the path of a socket, or loopback');
  if (Buffer.byteLength(path) <= LONGEST_PATH) return path;
  throw words.error('path', `'${path}' has ${Buffer.byteLength(path)} bytes; at most ${LONGEST_PATH} are accepted`);
}
