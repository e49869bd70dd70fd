// SPDX-License-Identifier: BSD-2-Clause
/** Which frames a guest wants to have. Reference: VIRTIO-1.2 §5.1.6.5.1 and §5.1.6.5.2. */
import { bool, bytes, list, record } from '../../src/core/state-fields.js';
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

const filter = record(filterFields);
export type FilterState = ReturnType<typeof filter.initial>;

export function freshFilter(): FilterState {
  return filter.initial();
}

export function passesFilter(state: FilterState, mac: Uint8Array, frame: Uint8Array): boolean {
  if (state.promiscuous) return true;
  const to = frame.subarray(0, MAC_LENGTH);
  if (to.every((byte) => byte === 0xff)) return !state.noBroadcast;
  if ((to[0] ?? 0) & GROUP_BIT) {
    if (state.noMulticast) return false;
    return state.allMulticast || state.multicastOverflow || includes(state.multicast, to);
  }
  if (state.noUnicast) return false;
  return state.allUnicast || state.unicastOverflow || sameAddress(mac, to) || includes(state.unicast, to);
}

function includes(table: readonly Uint8Array[], address: Uint8Array): boolean {
  return table.some((entry) => sameAddress(entry, address));
}
