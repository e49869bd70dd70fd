// SPDX-License-Identifier: BSD-2-Clause
/** Whether the disks of a saved machine are what they were, and free. */
import { existsSync } from 'node:fs';
import { type CborValue, isMap } from '../../core/cbor.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { isNbd } from '../../host/disk/nbd-address.js';
import { type MachineConfig, pciDeviceId } from '../../machine/config.js';
import { openHostDisk } from '../../machine/open-host-disk.js';
import { type DiskConfig, diskConfig } from '../../machine/virtio-options.js';
import type { Blocker } from '../blocker.js';
import { SnapshotError, snapshotError } from '../snapshot-error.js';
import type { SnapshotFolder } from '../snapshot-folder.js';
import { roleOf } from '../suspend-use.js';
import { isClaimable } from './claim-disk.js';
import { pointOf } from './disk-point.js';
import type { DiskRecord } from './disk-record.js';
import { settleDisk } from './settle-disk.js';

/** `config` with the overrides of the restore. */
export function diskBlockers(snapshot: SnapshotFolder, { pci }: MachineConfig, state: CborValue): Blocker[] {
  const records = new Map(snapshot.readDisks().map((disk) => [disk.device, disk]));
  return pci.flatMap((device) => {
    const id = pciDeviceId(device);
    const record = records.get(id);
    if (device.kind !== 'virtio-blk' || record === undefined) return [];
    const config = diskConfig(id, device.options);
    const variable = `pci.${device.bus ?? 0}.${device.slot}.${device.fn}.path`;
    if (!isNbd(config.path) && !existsSync(config.path)) {
      const remedy = `name the image where it is now with -o ${variable}=`;
      return [{ path: `disk ${config.path}`, problem: 'is not there', remedy }];
    }
    return record.kind === 'read-only'
      ? readOnlyBlockers(config, savedMedium(state, id), variable)
      : layerBlockers(snapshot, record, config);
  });
}

function readOnlyBlockers(config: DiskConfig, saved: string, variable: string): Blocker[] {
  return blockersOf(config.path, `name the disk as it was with -o ${variable}=`, () => {
    const disk = openHostDisk(config);
    disk.close();
    if (saved === disk.identity) return;
    throw new SnapshotError(`disk ${config.path}`, `saved with ${saved}, here it is ${disk.identity}`);
  });
}

/** Opened as the restore would, and closed before anything is changed. */
function layerBlockers(snapshot: SnapshotFolder, record: DiskRecord, { path, line }: DiskConfig): Blocker[] {
  const isSuspend = roleOf(snapshot) === 'suspend';
  const { id } = snapshot.manifest;
  const isOurs = isSuspend && diskLayers.ownerOf(path, line)?.id === id;
  if (isSuspend && !isOurs) {
    return blockersOf(path, `boot the VM, and remove the suspend ${snapshot.name}`, () => {
      settleDisk(path, line, id);
      if (!isClaimable(record, path, line)) throw new SnapshotError(`disk ${path}`, 'was written since the suspend');
    });
  }
  const point = isSuspend ? null : pointOf(snapshot, record, path);
  const problems = point === null ? [] : diskLayers.checkPoint(path, point);
  if (problems.length > 0)
    return problems.map((problem) => ({ path: `disk ${path}`, problem, remedy: 'see disk info' }));
  return blockersOf(path, 'end whoever uses it, or go on from the suspend that has it', () => {
    settleDisk(path, line, isSuspend ? id : null);
    diskLayers.open(path, { readOnly: false, line, ...(isSuspend ? { resuming: id } : { at: point }) }).close();
  });
}

function blockersOf(path: string, remedy: string, check: () => void): Blocker[] {
  try {
    check();
    return [];
  } catch (cause) {
    const { path: subject, problem } = snapshotError(`disk ${path}`, cause);
    return [{ path: subject, problem, remedy }];
  }
}

function savedMedium(state: CborValue, id: string): string {
  const path = ['devices', id, 'fields', 'medium'];
  const found = path.reduce<CborValue>((value, name) => (isMap(value) ? (value[name] ?? null) : null), state);
  return typeof found === 'string' ? found : 'none';
}
