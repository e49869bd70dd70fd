// SPDX-License-Identifier: BSD-2-Clause
/** Features and configuration registers of the balloon. Reference: VIRTIO-1.2 §5.5.3 and §5.5.4. */
import { RegisterMap } from '../../src/core/register-map.js';
import { u32 } from '../../src/core/state-fields.js';

export const BalloonFeature = {
  MUST_TELL_HOST: 1n << 0n,
  STATS_VQ: 1n << 1n,
  DEFLATE_ON_OOM: 1n << 2n,
  PAGE_POISON: 1n << 4n,
  PAGE_REPORTING: 1n << 5n,
} as const;

export interface BalloonFeatureOptions {
  /** The guest may take pages back when it has no others. */
  readonly deflateOnOom: boolean;
  /** The guest tells of pages that are free for now. */
  readonly reporting: boolean;
}

/** §5.5.3: reporting goes with the poison value, for guests that keep a pattern in free pages. */
export function balloonFeatures({ deflateOnOom, reporting }: BalloonFeatureOptions): bigint {
  const { MUST_TELL_HOST, STATS_VQ, DEFLATE_ON_OOM, PAGE_POISON, PAGE_REPORTING } = BalloonFeature;
  return (
    MUST_TELL_HOST | STATS_VQ | (deflateOnOom ? DEFLATE_ON_OOM : 0n) | (reporting ? PAGE_POISON | PAGE_REPORTING : 0n)
  );
}

export const BALLOON_CONFIG_LENGTH = 16;

/** `target` pages, which the guest has no say in, are not the guest's reset to forget. */
export function balloonConfigFields(target: number) {
  return {
    target: u32({ initial: target, keepOnReset: true, unit: 'pages', doc: 'that the guest is asked to give' }),
    actual: u32({ unit: 'pages', doc: 'that the guest says it has given' }),
    poison: u32({ doc: 'what the guest keeps in pages that are free' }),
  };
}

export interface BalloonConfigState {
  target: number;
  actual: number;
  poison: number;
}

export const balloonConfig = new RegisterMap<BalloonConfigState>(
  {},
  1,
  [
    { at: 0, width: 4, name: 'num_pages', readOnly: true, get: ({ target }) => target },
    {
      at: 4,
      width: 4,
      name: 'actual',
      get: ({ actual }) => actual,
      set: (state, value) => {
        state.actual = value;
      },
    },
    {
      at: 12,
      width: 4,
      name: 'poison_val',
      get: ({ poison }) => poison,
      set: (state, value) => {
        state.poison = value;
      },
    },
  ],
  { unmapped: 0 },
);
