// SPDX-License-Identifier: BSD-2-Clause
/** Exports of NBD servers as native images (native/disk). */
import { type AddonNbdDisk, type AddonNbdOptions, loadAddon } from './addon.js';
import { DiskImage } from './disk-image.js';

export type NbdImage = Omit<AddonNbdDisk, 'image'> & { readonly image: DiskImage };

/** Connects, and throws in the client's words when that fails. */
export function openNbdImage(name: string, options: AddonNbdOptions): NbdImage {
  const { image, ...facts } = loadAddon().nbd.open(options);
  return { image: new DiskImage(name, image), ...facts };
}
