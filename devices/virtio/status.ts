// SPDX-License-Identifier: BSD-2-Clause
/** The device status register as a state machine. Reference: VIRTIO-1.2 §2.1 (bits) and §3.1.1 (their order). */

export const Status = {
  ACKNOWLEDGE: 0x01,
  DRIVER: 0x02,
  DRIVER_OK: 0x04,
  FEATURES_OK: 0x08,
  DEVICE_NEEDS_RESET: 0x40,
  FAILED: 0x80,
} as const;

export const STATUS_BITS = 0xcf;

interface Step {
  readonly sets: number;
  /** Bits that must be set before, through the modern interface and through the legacy one. */
  readonly needs: readonly [modern: number, legacy: number];
}

const KNOWN = Status.ACKNOWLEDGE | Status.DRIVER;

/** In the order in which a driver sets them; the legacy interface has no FEATURES_OK (§3.1.2). */
const STEPS: readonly Step[] = [
  { sets: Status.ACKNOWLEDGE, needs: [0, 0] },
  { sets: Status.DRIVER, needs: [Status.ACKNOWLEDGE, Status.ACKNOWLEDGE] },
  { sets: Status.FEATURES_OK, needs: [KNOWN, -1] },
  { sets: Status.DRIVER_OK, needs: [KNOWN | Status.FEATURES_OK, KNOWN] },
  { sets: Status.FAILED, needs: [0, 0] },
];

export type Interface = 'modern' | 'legacy';

/**
 * The status after a driver has written `written` over `status`. Bits are only ever added (§2.1.1): one that is set too
 * early, or cleared other than by a reset, is as if it had not been written.
 */
export function nextStatus(status: number, written: number, via: Interface, featuresAccepted: () => boolean): number {
  let next = status;
  for (const { sets, needs } of STEPS) {
    const needed = needs[via === 'modern' ? 0 : 1];
    if (!(written & sets) || next & sets || (next & needed) !== needed) continue;
    if (sets === Status.FEATURES_OK && !featuresAccepted()) continue;
    next |= sets;
  }
  return next;
}
