// SPDX-License-Identifier: BSD-2-Clause
/** What follows for every frame from what driver and card have agreed on. Reference: VIRTIO-1.2 §5.1.6. */
import { Feature } from './features.js';
import { GUEST_OFFLOADS, NetFeature } from './net-config.js';
import { HEADER, LEGACY_HEADER } from './net-header.js';

export interface NetAgreement {
  readonly features: bigint;
  readonly offloadsOff: bigint;
  /** The features, without the offloads that are switched off. */
  readonly taken: bigint;
  /** Those of them that are offloads of the guest's. */
  readonly offloads: bigint;
  /** §5.1.6.1: the legacy header has no `num_buffers` unless buffers can be merged. */
  readonly headerLength: number;
  readonly mayMerge: boolean;
  /** §5.1.4.1 and §5.1.4.2: an MTU binds those who have agreed on it, in both directions. */
  readonly hasMtu: boolean;
}

export function netAgreement(features: bigint, offloadsOff: bigint): NetAgreement {
  const taken = features & ~offloadsOff;
  const isLong = (features & (Feature.VERSION_1 | NetFeature.MRG_RXBUF)) !== 0n;
  return {
    features,
    offloadsOff,
    taken,
    offloads: taken & GUEST_OFFLOADS,
    headerLength: isLong ? HEADER : LEGACY_HEADER,
    mayMerge: (features & NetFeature.MRG_RXBUF) !== 0n,
    hasMtu: (features & NetFeature.MTU) !== 0n,
  };
}
