// SPDX-License-Identifier: BSD-2-Clause
import { type AddonLayeredImage, type AddonLayerHandle, loadAddon } from './addon.js';
import { hypervisorError } from './hypervisor-error.js';

/** A disk of a base and layers over it; the last is written to, or without layers the base. Descriptors are duplicated. */
export function openLayeredImage(
  base: number,
  layers: readonly AddonLayerHandle[],
  bytes: number,
  sync: boolean,
): AddonLayeredImage {
  try {
    return new (loadAddon().LayeredImage)(base, layers, bytes, sync);
  } catch (cause) {
    throw hypervisorError('disk layers', cause);
  }
}
