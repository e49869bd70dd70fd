// SPDX-License-Identifier: BSD-2-Clause
/** Which frames a guest wants to have. Reference: VIRTIO-1.2 §5.1.6.5.1 and §5.1.6.5.2. */
import { bool, bytes, list } from '../../src/core/state-fields.js';
import { sameAddress } from './net-address.js';
import { MAC_LENGTH } from './net-backend.js';

/** Of each kind; a longer table lets all of its kind through (§5.1.6.5.2). */
export const MOST_ADDRESSES = 64;
const GROUP_BIT = 0x01;

const addresses = () => list(bytes(MAC_LENGTH), { max: MOST_ADDRESSES });

export const filterFields = {
  // A driver that says nothing gets everything, as on bhyve.
  promiscuous: bool({ initial: true }),
  allMulticast: bool(),
  allUnicast: bool(),
  noMulticast: bool(),
  noUnicast: bool(),
  noBroadcast: bool(),
  unicast: addresses(),
  unicastOverflow: bool({ doc: 'the table of addresses was too long' }),
  multicast: addresses(),
  multicastOverflow: bool({ doc: 'the table of addresses was too long' }),
};

export interface FilterState {
  promiscuous: boolean;
  allMulticast: boolean;
  allUnicast: boolean;
  noMulticast: boolean;
  noUnicast: boolean;
  noBroadcast: boolean;
  unicast: Uint8Array[];
  unicastOverflow: boolean;
  multicast: Uint8Array[];
  multicastOverflow: boolean;
}

export function freshFilter(): FilterState {
  return {
    promiscuous: true,
    allMulticast: false,
    allUnicast: false,
    noMulticast: false,
    noUnicast: false,
    noBroadcast: false,
    unicast: [],
    unicastOverflow: false,
    multicast: [],
    multicastOverflow: false,
  };
}

export function passesFilter(filter: FilterState, mac: Uint8Array, frame: Uint8Array): boolean {
  if (filter.promiscuous) return true;
  const to = frame.subarray(0, MAC_LENGTH);
  if (to.every((byte) => byte === 0xff)) return !filter.noBroadcast;
  if ((to[0] ?? 0) & GROUP_BIT) {
    if (filter.noMulticast) return false;
    return filter.allMulticast || filter.multicastOverflow || includes(filter.multicast, to);
  }
  if (filter.noUnicast) return false;
  return filter.allUnicast || filter.unicastOverflow || sameAddress(mac, to) || includes(filter.unicast, to);
}

function includes(table: readonly Uint8Array[], address: Uint8Array): boolean {
  return table.some((entry) => sameAddress(entry, address));
}
