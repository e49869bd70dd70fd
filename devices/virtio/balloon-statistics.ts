// SPDX-License-Identifier: BSD-2-Clause
/** What a guest says about its memory. Reference: VIRTIO-1.2 §5.5.6.3 and §5.5.6.4. */
import { list, optional, u64 } from '../../src/core/state-fields.js';

/** In the order of their tags. */
export const STATISTICS = [
  'swapIn',
  'swapOut',
  'majorFaults',
  'minorFaults',
  'free',
  'total',
  'available',
  'caches',
  'hugePages',
  'hugePageFailures',
] as const;
export type Statistic = (typeof STATISTICS)[number];

/** A tag and a value, without padding. */
const ENTRY = 10;
/** Later tags may be between those that are known. */
const MOST_ENTRIES = 64;
export const MOST_STATISTICS_BYTES = ENTRY * MOST_ENTRIES;

export const statisticsFields = {
  statistics: list(optional(u64()), {
    length: STATISTICS.length,
    doc: `by tag: ${STATISTICS.join(', ')}; null where the guest has said nothing`,
  }),
  statisticsAt: optional(u64({ unit: 'ns' }), { doc: 'VM time when the guest said so' }),
};

/** Tags that are not known are passed over, and so is half an entry at the end. */
export function parseStatistics(bytes: Uint8Array): (bigint | null)[] {
  const values = STATISTICS.map((): bigint | null => null);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at + ENTRY <= bytes.length; at += ENTRY) {
    const tag = view.getUint16(at, true);
    if (tag < values.length) values[tag] = view.getBigUint64(at + 2, true);
  }
  return values;
}
