// SPDX-License-Identifier: BSD-2-Clause
/** Frames that are longer than an MTU allows. Reference: VIRTIO-1.2 §5.1.4.1 and §5.1.4.2; tags: IEEE 802.1Q. */
import type { Frame } from './net-backend.js';
import { Gso } from './net-header.js';

const ETHERNET_HEADER = 14;
const TYPE = 2;
const TAG = 4;
/** Of a customer and of a provider. */
const TAG_TYPES: readonly number[] = [0x8100, 0x88a8];
const MOST_TAGS = 2;

/** Segments that are still to be cut may be longer; whoever cuts them knows how. */
export function exceedsMtu({ header, bytes }: Frame, mtu: number): boolean {
  return header.gsoType === Gso.NONE && bytes.length > mtu + headerLength(bytes);
}

/** No MTU counts addresses, type and tags. */
function headerLength(bytes: Uint8Array): number {
  let length = ETHERNET_HEADER;
  while (length < ETHERNET_HEADER + MOST_TAGS * TAG && TAG_TYPES.includes(typeBefore(bytes, length))) length += TAG;
  return length;
}

function typeBefore(bytes: Uint8Array, end: number): number {
  return ((bytes[end - TYPE] ?? 0) << 8) | (bytes[end - TYPE + 1] ?? 0);
}
