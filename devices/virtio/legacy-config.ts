// SPDX-License-Identifier: BSD-2-Clause
/**
 * The registers of the legacy interface, which bhyve's guests use: an I/O BAR with the device's own configuration at its
 * end. Reference: VIRTIO-1.2 §4.1.4.10; the ring's layout in memory: §2.7.2. Bank 1 holds while MSI-X is enabled.
 */
import { alignUp, low32 } from '../../src/core/bits.js';
import { RegisterMap } from '../../src/core/register-map.js';
import { type CommonConfigOwner, vectorOr } from './common-config.js';
import { type QueueState, type VirtioState, virtioShape } from './virtio-state.js';

const PAGE = 4096;
const DESCRIPTOR = 16;

export interface LegacyOwner extends CommonConfigOwner {
  /** Reads and clears the interrupt status. */
  takeIsr(): number;
}

/** Where each bank ends and the device's configuration begins. */
export const LEGACY_LENGTHS = [20, 24] as const;

export const legacyConfig = new RegisterMap<VirtioState, LegacyOwner>(virtioShape([1]).fields, 2, [
  { at: 0, width: 4, name: 'Device Features', readOnly: true, get: (_, { core }) => low32(core.offered.legacy) },
  {
    at: 4,
    width: 4,
    name: 'Driver Features',
    get: ({ driverFeatures }) => low32(driverFeatures),
    set: (_, value, { core }) => core.writeFeatures(0, value),
  },
  {
    at: 8,
    width: 4,
    name: 'Queue Address',
    get: (_, { core }) => (core.selected?.enabled ? Number(core.selected.descriptors / BigInt(PAGE)) : 0),
    set: (_, value, { core }) => {
      const queue = core.selected;
      if (queue === undefined) return;
      if (value === 0) {
        core.disableSelected();
      } else if (!queue.enabled) {
        placeRing(queue, value);
        core.enableSelected();
      }
    },
  },
  { at: 12, width: 2, name: 'Queue Size', readOnly: true, get: (_, { core }) => core.selected?.size ?? 0 },
  { at: 14, width: 2, name: 'Queue Select', field: 'queueSelect' },
  { at: 16, width: 2, name: 'Queue Notify', get: () => 0, set: (_, value, { core }) => core.notify(value) },
  {
    at: 18,
    name: 'Device Status',
    get: ({ status }) => status,
    set: (_, value, { core }) => core.writeStatus(value, 'legacy'),
  },
  { at: 19, name: 'ISR Status', readOnly: true, get: (_, owner) => owner.takeIsr() },
  {
    at: 20,
    width: 2,
    bank: 1,
    name: 'Configuration Vector',
    get: ({ configVector }) => configVector,
    set: (state, value, owner) => {
      state.configVector = vectorOr(value, owner);
    },
  },
  {
    at: 22,
    width: 2,
    bank: 1,
    name: 'Queue Vector',
    get: (_, { core }) => core.selected?.vector ?? 0,
    set: (_, value, owner) => {
      if (owner.core.selected !== undefined) owner.core.selected.vector = vectorOr(value, owner);
    },
  },
]);

/** One piece of memory, in pages: descriptors, available ring, and from the next page on the used ring. */
function placeRing(queue: QueueState, page: number): void {
  const descriptors = page * PAGE;
  const driver = descriptors + DESCRIPTOR * queue.size;
  const device = alignUp(driver + 6 + 2 * queue.size, PAGE);
  queue.descriptors = BigInt(descriptors);
  queue.driver = BigInt(driver);
  queue.device = BigInt(device);
}
