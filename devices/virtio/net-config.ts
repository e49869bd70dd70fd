// SPDX-License-Identifier: BSD-2-Clause
/** Features and configuration registers of the network card. Reference: VIRTIO-1.2 §5.1.3 and §5.1.4. */
import { RegisterMap } from '../../src/core/register-map.js';
import { bool, bytes, u16, u64 } from '../../src/core/state-fields.js';
import { type GuestOffloads, MAC_LENGTH, type NetOffloads } from './net-backend.js';

export const NetFeature = {
  CSUM: 1n << 0n,
  GUEST_CSUM: 1n << 1n,
  CTRL_GUEST_OFFLOADS: 1n << 2n,
  MTU: 1n << 3n,
  MAC: 1n << 5n,
  GUEST_TSO4: 1n << 7n,
  GUEST_TSO6: 1n << 8n,
  HOST_TSO4: 1n << 11n,
  HOST_TSO6: 1n << 12n,
  MRG_RXBUF: 1n << 15n,
  STATUS: 1n << 16n,
  CTRL_VQ: 1n << 17n,
  CTRL_RX: 1n << 18n,
  CTRL_RX_EXTRA: 1n << 20n,
  GUEST_ANNOUNCE: 1n << 21n,
  MQ: 1n << 22n,
  CTRL_MAC_ADDR: 1n << 23n,
  // VIRTIO-1.3 §5.1.3: segments of UDP.
  GUEST_USO4: 1n << 54n,
  GUEST_USO6: 1n << 55n,
  HOST_USO: 1n << 56n,
} as const;

const { GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, GUEST_USO4, GUEST_USO6 } = NetFeature;
/** What a driver may switch off and on again while it runs (§5.1.6.5.6). */
export const GUEST_OFFLOADS = GUEST_CSUM | GUEST_TSO4 | GUEST_TSO6 | GUEST_USO4 | GUEST_USO6;
/** All that depends on a back end. */
export const OFFLOADS =
  GUEST_OFFLOADS | NetFeature.CSUM | NetFeature.HOST_TSO4 | NetFeature.HOST_TSO6 | NetFeature.HOST_USO;

/** §5.1.4.1 allows 32768; a transitional device has 64 queues here, and this is what guests use. */
export const MOST_PAIRS = 8;

/** §5.1.4.1. */
export const SMALLEST_MTU = 68;
export const LARGEST_MTU = 65535;
export const NET_CONFIG_LENGTH = 12;

const LINK_UP = 0x1;
const ANNOUNCE = 0x2;

export function netConfigFields(mac: Uint8Array, mtu: number | null) {
  return {
    ownMac: bytes(MAC_LENGTH, { initial: mac, keepOnReset: true, doc: 'the address that it was made with' }),
    mac: bytes(MAC_LENGTH, { initial: mac, keepOnReset: true, doc: 'the address it has now; its own after a reset' }),
    mtu: u16({ initial: mtu ?? 0, keepOnReset: true, unit: 'bytes', doc: '0: the driver is told none' }),
    linkUp: bool({ initial: true, keepOnReset: true }),
    announce: bool({ doc: 'the driver is to tell the network where it is' }),
    pairs: u16({ initial: 1, min: 1, max: MOST_PAIRS, doc: 'pairs of queues in use' }),
    offloadsOff: u64({ mask: GUEST_OFFLOADS, doc: 'offloads that the driver has switched off, as feature bits' }),
  };
}

export interface NetConfigState {
  ownMac: Uint8Array;
  mac: Uint8Array;
  mtu: number;
  linkUp: boolean;
  announce: boolean;
  pairs: number;
  offloadsOff: bigint;
}

export interface NetConfigOwner {
  readonly mostPairs: number;
  /** The legacy interface writes the address here, byte by byte. */
  setMacByte(index: number, value: number): void;
}

export interface NetFeatureOptions {
  readonly offloads: NetOffloads;
  readonly mtu: number | null;
  readonly pairs: number;
}

export function netFeatures({ offloads, mtu, pairs }: NetFeatureOptions): bigint {
  const { checksum, segmentation, udpSegmentation } = offloads;
  const { CSUM, MTU, MAC, HOST_TSO4, HOST_TSO6, HOST_USO, MRG_RXBUF, STATUS } = NetFeature;
  const { CTRL_VQ, CTRL_RX, CTRL_RX_EXTRA, GUEST_ANNOUNCE, CTRL_MAC_ADDR, CTRL_GUEST_OFFLOADS, MQ } = NetFeature;
  const control = CTRL_VQ | CTRL_RX | CTRL_RX_EXTRA | GUEST_ANNOUNCE | CTRL_MAC_ADDR;
  const sums = checksum ? CSUM | GUEST_CSUM | CTRL_GUEST_OFFLOADS : 0n;
  // §5.1.3.1: they need checksum offload in their direction.
  const segments = checksum && segmentation ? GUEST_TSO4 | GUEST_TSO6 | HOST_TSO4 | HOST_TSO6 : 0n;
  const datagrams = checksum && udpSegmentation ? GUEST_USO4 | GUEST_USO6 | HOST_USO : 0n;
  const own = (mtu === null ? 0n : MTU) | (pairs > 1 ? MQ : 0n);
  return MAC | MRG_RXBUF | STATUS | control | sums | segments | datagrams | own;
}

/** `taken`: feature bits that are agreed on and not switched off. */
export function guestOffloads(taken: bigint): GuestOffloads {
  const has = (bits: bigint): boolean => (taken & bits) === bits;
  // No system gives datagrams of one protocol alone.
  return {
    checksum: has(GUEST_CSUM),
    tcp4: has(GUEST_CSUM | GUEST_TSO4),
    tcp6: has(GUEST_CSUM | GUEST_TSO6),
    udp: has(GUEST_CSUM | GUEST_USO4 | GUEST_USO6),
  };
}

export const netConfig = new RegisterMap<NetConfigState, NetConfigOwner>(
  {},
  1,
  [
    ...Array.from({ length: MAC_LENGTH }, (_, index) => ({
      at: index,
      name: `mac[${index}]`,
      get: ({ mac }: NetConfigState) => mac[index] ?? 0,
      set: (_state: NetConfigState, value: number, owner: NetConfigOwner) => owner.setMacByte(index, value),
    })),
    {
      at: 6,
      width: 2,
      name: 'status',
      readOnly: true,
      get: ({ linkUp, announce }) => (linkUp ? LINK_UP : 0) | (announce ? ANNOUNCE : 0),
    },
    { at: 8, width: 2, name: 'max_virtqueue_pairs', readOnly: true, get: (_, owner) => owner.mostPairs },
    { at: 10, width: 2, name: 'mtu', readOnly: true, get: ({ mtu }) => mtu },
  ],
  { unmapped: 0 },
);
