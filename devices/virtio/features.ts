// SPDX-License-Identifier: BSD-2-Clause
/** Feature bits that belong to queues and transport, not to a kind of device. Reference: VIRTIO-1.2 §6 and §6.3. */

export const Feature = {
  /** Legacy only: buffers may be cut anywhere. */
  ANY_LAYOUT: 1n << 27n,
  INDIRECT_DESC: 1n << 28n,
  EVENT_IDX: 1n << 29n,
  VERSION_1: 1n << 32n,
  RING_PACKED: 1n << 34n,
  RING_RESET: 1n << 40n,
} as const;

const RINGS = Feature.INDIRECT_DESC | Feature.EVENT_IDX;
/**
 * Without NOTIFICATION_DATA: no device here has a use for it, and engines hang up doorbells for notifications of 16 bits
 * (§4.1.5.2). A driver that agreed on it before it was saved may go on to write 32 bits, which tell the same.
 */
const MODERN = Feature.VERSION_1 | Feature.RING_RESET;
const LEGACY_BITS = 0xffff_ffffn;

/** Which of the two interfaces of VIRTIO-1.2 §1.3 a device has. */
export type Interfaces = 'modern' | 'transitional' | 'legacy';

/** What a device offers through the modern interface: its own bits and what every device can do. */
export function modernFeatures(own: bigint, packed: boolean): bigint {
  return own | RINGS | MODERN | (packed ? Feature.RING_PACKED : 0n);
}

/** What a device offers through the legacy interface, which has 32 bits. */
export function legacyFeatures(own: bigint): bigint {
  return (own | RINGS | Feature.ANY_LAYOUT) & LEGACY_BITS;
}
