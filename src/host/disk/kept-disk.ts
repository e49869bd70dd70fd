// SPDX-License-Identifier: BSD-2-Clause
import type { BlockBackend } from '../../../devices/virtio/block-backend.js';
import type { LayeredDisk } from './layers/api.js';

/** A writable disk whose content at an instant snapshots keep. */
export interface KeptDisk extends BlockBackend {
  readonly layers: LayeredDisk;
}

export function isKept(backend: BlockBackend): backend is KeptDisk {
  return backend.isKept === true && 'layers' in backend;
}
