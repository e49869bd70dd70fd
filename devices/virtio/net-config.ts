// SPDX-License-Identifier: BSD-2-Clause
/** Features and configuration registers of the network card. Reference: VIRTIO-1.2 §5.1.3 and §5.1.4. */
import { RegisterMap } from '../../src/core/register-map.js';
import { bool, bytes, u16 } from '../../src/core/state-fields.js';
import { MAC_LENGTH, type NetOffloads } from './net-backend.js';

export const NetFeature = {
  CSUM: 1n << 0n,
  GUEST_CSUM: 1n << 1n,
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
  CTRL_MAC_ADDR: 1n << 23n,
} as const;

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
  };
}

export interface NetConfigState {
  ownMac: Uint8Array;
  mac: Uint8Array;
  mtu: number;
  linkUp: boolean;
  announce: boolean;
}

export interface NetConfigOwner {
  /** The legacy interface writes the address here, byte by byte. */
  setMacByte(index: number, value: number): void;
}

export function netFeatures({ checksum, segmentation }: NetOffloads, mtu: number | null): bigint {
  const { CSUM, GUEST_CSUM, MTU, MAC, GUEST_TSO4, GUEST_TSO6, HOST_TSO4, HOST_TSO6, MRG_RXBUF, STATUS } = NetFeature;
  const { CTRL_VQ, CTRL_RX, CTRL_RX_EXTRA, GUEST_ANNOUNCE, CTRL_MAC_ADDR } = NetFeature;
  const control = CTRL_VQ | CTRL_RX | CTRL_RX_EXTRA | GUEST_ANNOUNCE | CTRL_MAC_ADDR;
  const sums = checksum ? CSUM | GUEST_CSUM : 0n;
  // §5.1.3.1: they need checksum offload in their direction.
  const segments = checksum && segmentation ? GUEST_TSO4 | GUEST_TSO6 | HOST_TSO4 | HOST_TSO6 : 0n;
  return MAC | MRG_RXBUF | STATUS | control | sums | segments | (mtu === null ? 0n : MTU);
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
    { at: 8, width: 2, name: 'max_virtqueue_pairs', readOnly: true, get: () => 1 },
    { at: 10, width: 2, name: 'mtu', readOnly: true, get: ({ mtu }) => mtu },
  ],
  { unmapped: 0 },
);
