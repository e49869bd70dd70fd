// SPDX-License-Identifier: BSD-2-Clause
/** The state of a network card, and what it is made with. */
import { type CborMap, isMap } from '../../src/core/cbor-value.js';
import { StateError } from '../../src/core/state-error.js';
import { u64 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import type { NetBackend } from './net-backend.js';
import { type NetConfigState, netConfigFields, netFeatures, OFFLOADS } from './net-config.js';
import { type FilterState, filterFields } from './net-filter.js';
import { MOST_WAITING_BYTES, type ReceiveState, receiveFields, waitingBytes } from './net-receive.js';
import type { VirtioPciFields } from './virtio-kind.js';

export interface NetOptions {
  readonly backend: NetBackend;
  readonly mac: Uint8Array;
  /** Tells it from the other cards of its machine. */
  readonly place: number;
  /** Null: the driver is told none, and chooses. */
  readonly mtu: number | null;
  /** Of receive and transmit queues. */
  readonly pairs: number;
}

export function netShape(common: VirtioPciFields, options: NetOptions) {
  const { backend, mac, mtu, pairs } = options;
  const offered = netFeatures({ ...options, offloads: backend.offloads });
  const fields = {
    ...common,
    ...netConfigFields(mac, mtu),
    ...filterFields,
    ...receiveFields,
    lostIn: u64({ doc: 'frames for the guest that were lost here' }),
    lostOut: u64({ doc: 'frames of the guest that were lost here' }),
  };
  return new StateShape('virtio-net', 2, fields, {
    upgrades: { 1: withOnePair },
    check: (state) => {
      const missing = state.virtio.driverFeatures & OFFLOADS & ~offered;
      if (missing !== 0n) {
        const bits = `0x${missing.toString(16)}`;
        throw new StateError(
          'virtio.driverFeatures',
          `the driver leaves work (${bits}) to a back end as it was saved with`,
        );
      }
      if (state.pairs > pairs) throw new StateError('pairs', `expected at most ${pairs}, got ${state.pairs}`);
      const stray = state.waiting.findIndex(({ pair }) => pair >= pairs);
      if (stray >= 0) throw new StateError(`waiting[${stray}].pair`, `expected 0 to ${pairs - 1}`);
      const here = mtu ?? 0;
      if (state.mtu !== here) throw new StateError('mtu', `saved with ${state.mtu}, here it is ${here}`);
      const total = waitingBytes(state.waiting);
      if (total > MOST_WAITING_BYTES) {
        throw new StateError('waiting', `expected at most ${MOST_WAITING_BYTES} bytes, got ${total}`);
      }
    },
  });
}

/** Version 1 had one pair of queues, and no offloads that could be switched off. */
function withOnePair(old: CborMap): CborMap {
  const { waiting } = old;
  if (!Array.isArray(waiting)) return old;
  return {
    ...old,
    pairs: 1,
    offloadsOff: 0n,
    waiting: waiting.map((frame) => (isMap(frame) ? { ...frame, pair: 0 } : frame)),
  };
}

export type NetFields = ReturnType<typeof netShape>['fields'];
export interface NetState extends NetConfigState, FilterState, ReceiveState {
  lostIn: bigint;
  lostOut: bigint;
}
