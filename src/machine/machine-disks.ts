// SPDX-License-Identifier: BSD-2-Clause
import type { BlockBackend } from '../../devices/virtio/block-backend.js';
import type { OpenOptions } from '../host/disk/layers/api.js';
import type { DeviceHost } from './virtio-devices.js';
import type { DiskConfig } from './virtio-options.js';

/** A disk of a machine, by the device that shows it to the guest. */
export interface MachineDisk {
  readonly id: string;
  readonly config: DiskConfig;
  readonly backend: BlockBackend;
}

/** From where a disk goes on, if not from what it holds. */
export type DiskOpening = Pick<OpenOptions, 'resuming' | 'at'>;

/** Opens the disks of a machine that is built, and knows them afterwards. */
export class MachineDisks {
  readonly all: MachineDisk[] = [];

  constructor(private readonly openDisk: DeviceHost['openDisk']) {}

  readonly open: DeviceHost['openDisk'] = (config, id) => {
    const backend = this.openDisk(config, id);
    this.all.push({ id, config, backend });
    return backend;
  };
}
