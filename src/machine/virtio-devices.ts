// SPDX-License-Identifier: BSD-2-Clause
/** Builds virtio devices as the configuration wants them. */
import { createHash } from 'node:crypto';
import type { PciPlace } from '../../devices/pci/pci-function.js';
import { virtioBlock } from '../../devices/virtio/block.js';
import type { BlockBackend } from '../../devices/virtio/block-backend.js';
import type { EntropySource } from '../../devices/virtio/entropy-source.js';
import { virtioRng } from '../../devices/virtio/rng.js';
import { VirtioPci, type VirtioPciParts } from '../../devices/virtio/transport-pci.js';
import { type DiskConfig, diskConfig, type Options, rngConfig } from './virtio-options.js';

/** What the host gives to devices. */
export interface DeviceHost {
  readonly openDisk: (config: DiskConfig) => BlockBackend;
  readonly entropy: EntropySource;
}

export interface VirtioContext extends VirtioPciParts {
  readonly host: DeviceHost;
  /** Devices then do the same in every run. */
  readonly isVirtualClock: boolean;
}

export interface VirtioPlace {
  readonly id: string;
  readonly place: PciPlace;
  readonly virtio: VirtioContext;
}

export function createRng({ id, place, virtio }: VirtioPlace, options: Options) {
  const config = rngConfig(id, options);
  const source = virtio.isVirtualClock ? null : virtio.host.entropy;
  return new VirtioPci(id, place, virtioRng({ source, seed: digest(`${id} ${config.seed}`) }), virtio, config);
}

export function createDisk({ id, place, virtio }: VirtioPlace, options: Options) {
  const config = diskConfig(id, options);
  const { latency, bytesPerSecond, queues } = config;
  const kind = virtioBlock({
    backend: virtio.host.openDisk(config),
    serial: config.serial ?? serialOf(config.path),
    queues,
    latency: virtio.isVirtualClock ? { constant: latency, bytesPerSecond } : null,
  });
  return new VirtioPci(id, place, kind, virtio, config);
}

/** In the form of bhyve's. */
function serialOf(path: string): string {
  const digits = Buffer.from(digest(path)).toString('hex').toUpperCase();
  return `BHYVE-${digits.slice(0, 4)}-${digits.slice(4, 8)}-${digits.slice(8, 12)}`;
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(`tsbhyve ${text}`).digest();
}
