// SPDX-License-Identifier: BSD-2-Clause
/** Whether the disks of a saved machine are what they were. */
import { type CborValue, isMap } from '../core/cbor.js';
import { openDisk } from '../host/disk/open-disk.js';
import type { MachineConfig } from '../machine/config.js';
import { pciDeviceId } from '../machine/pci-devices.js';
import { diskConfig } from '../machine/virtio-options.js';
import { SnapshotError } from './snapshot-error.js';

/** One step for each disk; a step throws what is wrong with it. */
export function diskChecks({ pci }: MachineConfig, state: CborValue): (() => void)[] {
  return pci
    .filter(({ kind }) => kind === 'virtio-blk')
    .map((device) => () => {
      const id = pciDeviceId(device);
      const config = diskConfig(id, device.options);
      const disk = openDisk(config);
      disk.close();
      const saved = savedMedium(state, id);
      if (saved === disk.identity) return;
      throw new SnapshotError(`disk ${config.path}`, `saved with ${saved}, here it is ${disk.identity}`);
    });
}

function savedMedium(state: CborValue, id: string): string {
  const path = ['devices', id, 'fields', 'medium'];
  const found = path.reduce<CborValue>((value, name) => (isMap(value) ? (value[name] ?? null) : null), state);
  return typeof found === 'string' ? found : 'none';
}
