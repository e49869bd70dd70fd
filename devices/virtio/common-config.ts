// SPDX-License-Identifier: BSD-2-Clause
/** The registers of the modern interface. Reference: VIRTIO-1.2 §4.1.4.3. */
import { high32, low32 } from '../../src/core/bits.js';
import { RegisterMap, type RegisterRow } from '../../src/core/register-map.js';
import { Status } from './status.js';
import type { VirtioCore } from './virtio-core.js';
import { NO_VECTOR, type QueueState, type VirtioState, virtioShape } from './virtio-state.js';

/** What the common configuration asks of the transport. */
export interface CommonConfigOwner {
  readonly core: VirtioCore;
  /** MSI-X vectors; a driver that asks for another one reads `NO_VECTOR` (§4.1.5.1.2). */
  readonly vectors: number;
}

type Row = RegisterRow<VirtioState, CommonConfigOwner>;

export function vectorOr(vector: number, { vectors }: CommonConfigOwner): number {
  return vector < vectors ? vector : NO_VECTOR;
}

/** A register of the selected queue; one that there is not reads as 0. */
function queueRow(row: {
  readonly at: number;
  readonly name: string;
  readonly get: (queue: QueueState, owner: CommonConfigOwner) => number;
  readonly set?: (queue: QueueState, value: number, owner: CommonConfigOwner) => void;
}): Row {
  const { at, name, get, set } = row;
  return {
    at,
    width: 2,
    name,
    get: (_, owner) => (owner.core.selected === undefined ? 0 : get(owner.core.selected, owner)),
    set: (_, value, owner) => {
      if (owner.core.selected !== undefined) set?.(owner.core.selected, value, owner);
    },
  };
}

/** §4.1.4.3.2: the driver sets these before it enables the queue, and not after. */
function addressRow(at: number, name: string, field: 'descriptors' | 'driver' | 'device'): Row {
  return {
    at,
    width: 8,
    name,
    get: (_, { core }) => core.selected?.[field] ?? 0n,
    set: (_, value, { core }) => {
      if (core.selected?.enabled === false) core.selected[field] = value;
    },
  };
}

const HALVES = [low32, high32] as const;

function half(features: bigint, select: number): number {
  return HALVES[select]?.(features) ?? 0;
}

export const commonConfig = new RegisterMap<VirtioState, CommonConfigOwner>(virtioShape([1]).fields, 1, [
  { at: 0x00, width: 4, name: 'device_feature_select', field: 'deviceFeatureSelect' },
  {
    at: 0x04,
    width: 4,
    name: 'device_feature',
    readOnly: true,
    get: ({ deviceFeatureSelect }, { core }) => half(core.offered.modern, deviceFeatureSelect),
  },
  { at: 0x08, width: 4, name: 'driver_feature_select', field: 'driverFeatureSelect' },
  {
    at: 0x0c,
    width: 4,
    name: 'driver_feature',
    get: ({ driverFeatures, driverFeatureSelect }) => half(driverFeatures, driverFeatureSelect),
    set: ({ driverFeatureSelect }, value, { core }) => core.writeFeatures(driverFeatureSelect, value),
  },
  {
    at: 0x10,
    width: 2,
    name: 'config_msix_vector',
    get: ({ configVector }) => configVector,
    set: (state, value, owner) => {
      state.configVector = vectorOr(value, owner);
    },
  },
  { at: 0x12, width: 2, name: 'num_queues', readOnly: true, get: ({ queues }) => queues.length },
  {
    at: 0x14,
    name: 'device_status',
    get: ({ status }) => status,
    set: (_, value, { core }) => core.writeStatus(value, 'modern'),
  },
  { at: 0x15, name: 'config_generation', readOnly: true, field: 'configGeneration' },
  { at: 0x16, width: 2, name: 'queue_select', field: 'queueSelect' },
  queueRow({
    at: 0x18,
    name: 'queue_size',
    get: ({ size }) => size,
    set: (_, value, { core }) => core.resizeSelected(value),
  }),
  queueRow({
    at: 0x1a,
    name: 'queue_msix_vector',
    get: ({ vector }) => vector,
    set: (queue, value, owner) => {
      queue.vector = vectorOr(value, owner);
    },
  }),
  queueRow({
    at: 0x1c,
    name: 'queue_enable',
    get: ({ enabled }) => Number(enabled),
    // §3.1.1 has an order for this, and without FEATURES_OK nobody has agreed on what kind of ring it is.
    set: (_, value, { core }) => {
      if (value === 1 && core.state.status & Status.FEATURES_OK) core.enableSelected();
    },
  }),
  queueRow({ at: 0x1e, name: 'queue_notify_off', get: (_, { core }) => core.state.queueSelect }),
  addressRow(0x20, 'queue_desc', 'descriptors'),
  addressRow(0x28, 'queue_driver', 'driver'),
  addressRow(0x30, 'queue_device', 'device'),
  queueRow({ at: 0x38, name: 'queue_notif_config_data', get: () => 0 }),
  queueRow({
    at: 0x3a,
    name: 'queue_reset',
    get: () => 0, // done before the driver can ask
    set: (_, value, { core }) => {
      if (value === 1) core.resetSelected();
    },
  }),
]);

export const COMMON_CONFIG_LENGTH = 0x3c;
