// SPDX-License-Identifier: BSD-2-Clause
/** The header before every frame in a buffer, and what it asks for. Reference: VIRTIO-1.2 §5.1.6. */
import type { Frame, PacketHeader } from './net-backend.js';
import { NetFeature } from './net-config.js';

const HeaderFlag = { NEEDS_CSUM: 1, DATA_VALID: 2 } as const;
/** The last one is of VIRTIO-1.3 §5.1.6. */
export const Gso = { NONE: 0, TCPV4: 1, TCPV6: 4, UDP_L4: 5 } as const;

export const COMPLETE: PacketHeader = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 };
export const LEGACY_HEADER = 10;
/** With `num_buffers`. */
export const HEADER = 12;
const NUM_BUFFERS = 10;

// Byte by byte: a view is an object more for every frame, and makes V8 allocate the bytes of a small array apart.
function get16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

export function decodeHeader(bytes: Uint8Array): PacketHeader {
  return {
    flags: bytes[0] ?? 0,
    gsoType: bytes[1] ?? 0,
    hdrLen: get16(bytes, 2),
    gsoSize: get16(bytes, 4),
    csumStart: get16(bytes, 6),
    csumOffset: get16(bytes, 8),
  };
}

/** Fills `bytes`, which are a header without or with `num_buffers`. */
export function encodeHeader(header: PacketHeader, bytes: Uint8Array, buffers: number): void {
  bytes[0] = header.flags;
  bytes[1] = header.gsoType;
  put16(bytes, 2, header.hdrLen);
  put16(bytes, 4, header.gsoSize);
  put16(bytes, 6, header.csumStart);
  put16(bytes, 8, header.csumOffset);
  if (bytes.length >= HEADER) put16(bytes, NUM_BUFFERS, buffers);
}

const HOST_SEGMENTS: Readonly<Record<number, bigint>> = {
  [Gso.TCPV4]: NetFeature.HOST_TSO4,
  [Gso.TCPV6]: NetFeature.HOST_TSO6,
  [Gso.UDP_L4]: NetFeature.HOST_USO,
};
/** §5.1.3.1: none without sums. Which protocol datagrams have no header tells, so a guest has to take those of both. */
const GUEST_SEGMENTS: Readonly<Record<number, bigint>> = {
  [Gso.TCPV4]: NetFeature.GUEST_CSUM | NetFeature.GUEST_TSO4,
  [Gso.TCPV6]: NetFeature.GUEST_CSUM | NetFeature.GUEST_TSO6,
  [Gso.UDP_L4]: NetFeature.GUEST_CSUM | NetFeature.GUEST_USO4 | NetFeature.GUEST_USO6,
};

/** What a driver asks for, without bits that no driver may set (§5.1.6.2.2); null if it was not negotiated or is nonsense. */
export function askedByDriver(header: PacketHeader, length: number, features: bigint): PacketHeader | null {
  const needsChecksum = (header.flags & HeaderFlag.NEEDS_CSUM) !== 0;
  if (needsChecksum && (!(features & NetFeature.CSUM) || !checksumFits(header, length))) return null;
  const segmentation = HOST_SEGMENTS[header.gsoType];
  if (header.gsoType !== Gso.NONE) {
    // §5.1.6.2.1: segments need checksums of their own.
    if (segmentation === undefined || !(features & segmentation) || !needsChecksum || header.gsoSize === 0) return null;
  }
  if (!needsChecksum) return COMPLETE;
  return { ...header, flags: HeaderFlag.NEEDS_CSUM };
}

/** The frame as this guest can take it; null if it cannot. */
export function forGuest(frame: Frame, features: bigint): Frame | null {
  const { header, bytes } = frame;
  if (header.gsoType !== Gso.NONE) {
    const needed = GUEST_SEGMENTS[header.gsoType];
    if (needed === undefined || (features & needed) !== needed) return null;
  }
  if (!(header.flags & HeaderFlag.NEEDS_CSUM)) {
    // §5.1.6.4.1: a driver without GUEST_CSUM is told nothing about sums.
    return header.flags === 0 || features & NetFeature.GUEST_CSUM
      ? frame
      : { ...frame, header: { ...header, flags: 0 } };
  }
  if (!checksumFits(header, bytes.length)) return null;
  return features & NetFeature.GUEST_CSUM ? frame : withChecksum(frame);
}

function checksumFits({ csumStart, csumOffset }: PacketHeader, length: number): boolean {
  return csumStart + csumOffset + 2 <= length;
}

/** §5.1.6.2: the field holds the sum of the pseudo header; RFC 1071 says how sums are made. */
function withChecksum({ header: { csumStart, csumOffset }, bytes: unfinished }: Frame): Frame {
  const bytes = unfinished.slice();
  let sum = 0;
  for (let at = csumStart; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  // Zero means "no checksum" in UDP, and 0xffff is the same number (RFC 768).
  new DataView(bytes.buffer).setUint16(csumStart + csumOffset, ~sum & 0xffff || 0xffff);
  return { header: COMPLETE, bytes };
}
