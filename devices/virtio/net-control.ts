// SPDX-License-Identifier: BSD-2-Clause
/** Commands of the control queue. Reference: VIRTIO-1.2 §5.1.6.5. */
import { MAC_LENGTH } from './net-backend.js';
import { GUEST_OFFLOADS, type NetConfigState, NetFeature } from './net-config.js';
import { type FilterState, MOST_ADDRESSES } from './net-filter.js';

/** Class and command before the data, and the answer behind it. */
const COMMAND_HEADER = 2;
/** No command is longer: both address tables, with far more entries than are kept. */
export const LONGEST_COMMAND = 0x4000;

const Class = { RX: 0, MAC: 1, ANNOUNCE: 3, MQ: 4, GUEST_OFFLOADS: 5 } as const;
const MAC_TABLE_SET = 0;
const MAC_ADDR_SET = 1;
const ANNOUNCE_ACK = 0;
const MQ_VQ_PAIRS_SET = 0;
const GUEST_OFFLOADS_SET = 0;

type Mode = 'promiscuous' | 'allMulticast' | 'allUnicast' | 'noMulticast' | 'noUnicast' | 'noBroadcast';
/** By number of the command, with the feature that it needs. */
const MODES: readonly (readonly [mode: Mode, feature: bigint])[] = [
  ['promiscuous', NetFeature.CTRL_RX],
  ['allMulticast', NetFeature.CTRL_RX],
  ['allUnicast', NetFeature.CTRL_RX_EXTRA],
  ['noMulticast', NetFeature.CTRL_RX_EXTRA],
  ['noUnicast', NetFeature.CTRL_RX_EXTRA],
  ['noBroadcast', NetFeature.CTRL_RX_EXTRA],
];

export type ControlledState = FilterState & NetConfigState;

export interface Agreed {
  readonly features: bigint;
  readonly mostPairs: number;
}

/** Does what a command says; false if there is no such command, or not with these data. Nothing is done by halves. */
export function control(state: ControlledState, command: Uint8Array, { features, mostPairs }: Agreed): boolean {
  if (command.length < COMMAND_HEADER) return false;
  const [kind = 0, number = 0] = command;
  const data = command.subarray(COMMAND_HEADER);
  switch (kind) {
    case Class.RX:
      return setMode(state, number, data, features);
    case Class.MAC:
      if (number === MAC_TABLE_SET && features & NetFeature.CTRL_RX) return setTables(state, data);
      return number === MAC_ADDR_SET && (features & NetFeature.CTRL_MAC_ADDR) !== 0n && setAddress(state, data);
    case Class.ANNOUNCE:
      if (number !== ANNOUNCE_ACK || !(features & NetFeature.GUEST_ANNOUNCE)) return false;
      state.announce = false;
      return true;
    case Class.MQ:
      return number === MQ_VQ_PAIRS_SET && (features & NetFeature.MQ) !== 0n && setPairs(state, data, mostPairs);
    case Class.GUEST_OFFLOADS:
      if (number !== GUEST_OFFLOADS_SET || !(features & NetFeature.CTRL_GUEST_OFFLOADS)) return false;
      return setOffloads(state, data, features & GUEST_OFFLOADS);
    default:
      return false;
  }
}

/** §5.1.6.5.5. */
function setPairs(state: NetConfigState, data: Uint8Array, most: number): boolean {
  const pairs = data.length === 2 ? (data[0] ?? 0) | ((data[1] ?? 0) << 8) : 0;
  if (pairs < 1 || pairs > most) return false;
  state.pairs = pairs;
  return true;
}

/** §5.1.6.5.6: a set of feature bits that the driver has accepted. */
function setOffloads(state: NetConfigState, data: Uint8Array, accepted: bigint): boolean {
  if (data.length !== 8) return false;
  const wanted = new DataView(data.buffer, data.byteOffset).getBigUint64(0, true);
  if (wanted & ~accepted) return false;
  state.offloadsOff = accepted & ~wanted;
  return true;
}

function setMode(state: FilterState, number: number, data: Uint8Array, features: bigint): boolean {
  const [mode, feature = 0n] = MODES[number] ?? [];
  if (mode === undefined || !(features & feature) || data.length !== 1) return false;
  state[mode] = data[0] !== 0;
  return true;
}

function setAddress(state: NetConfigState, data: Uint8Array): boolean {
  if (data.length !== MAC_LENGTH) return false;
  state.mac = data.slice();
  return true;
}

/** §5.1.6.5.2: a count and that many unicast addresses, then the same for multicast. */
function setTables(state: FilterState, data: Uint8Array): boolean {
  const unicast = tableAt(data, 0);
  const multicast = unicast && tableAt(data, unicast.end);
  if (multicast === null || unicast === null || multicast.end !== data.length) return false;
  state.unicast = unicast.addresses;
  state.unicastOverflow = unicast.overflow;
  state.multicast = multicast.addresses;
  state.multicastOverflow = multicast.overflow;
  return true;
}

function tableAt(data: Uint8Array, at: number): { addresses: Uint8Array[]; overflow: boolean; end: number } | null {
  if (at + 4 > data.length) return null;
  const count = new DataView(data.buffer, data.byteOffset).getUint32(at, true);
  const end = at + 4 + count * MAC_LENGTH;
  if (end > data.length) return null;
  const overflow = count > MOST_ADDRESSES;
  const entry = (index: number): Uint8Array =>
    data.slice(at + 4 + index * MAC_LENGTH, at + 4 + (index + 1) * MAC_LENGTH);
  return { addresses: overflow ? [] : Array.from({ length: count }, (_, index) => entry(index)), overflow, end };
}
