// SPDX-License-Identifier: BSD-2-Clause
/**
 * The disks of a machine that is restored: opened where the snapshot has them, and changed on stable storage only right
 * before the first instruction.
 */
import { dirname } from 'node:path';
import type { BlockBackend } from '../../../devices/virtio/block-backend.js';
import { isKept } from '../../host/disk/kept-disk.js';
import type { DiskOwner, FrozenPoint, LayeredDisk } from '../../host/disk/layers/api.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { samePoint } from '../../host/disk/layers/identity.js';
import { ignoringFailure } from '../../host/ignoring-failure.js';
import { type MachineConfig, pciDeviceId } from '../../machine/config.js';
import type { Machine } from '../../machine/machine.js';
import type { DiskOpening } from '../../machine/machine-disks.js';
import type { DiskConfig } from '../../machine/virtio-options.js';
import { refusing, SnapshotError } from '../snapshot-error.js';
import type { SnapshotFolder } from '../snapshot-folder.js';
import { markUse, roleOf } from '../suspend-use.js';
import { type Adoption, adoptTogether } from './adopt-disks.js';
import { claimDisk } from './claim-disk.js';
import { pointOf } from './disk-point.js';
import type { DiskRecord } from './disk-record.js';
import { keepDisk } from './settle-disk.js';

/** `again`: any number of times. `spend` and `keep`: a suspend, which is used up or made a snapshot. */
export type RestoreUse = 'again' | 'spend' | 'keep' | 'clone';

export class DiskRestore {
  private readonly records: readonly DiskRecord[];
  /** Where each disk begins, by its device. */
  private readonly points = new Map<string, FrozenPoint>();
  private readonly disks: { readonly device: string; readonly disk: LayeredDisk }[] = [];

  constructor(
    private readonly snapshot: SnapshotFolder,
    private readonly use: RestoreUse,
  ) {
    this.records = snapshot.readDisks();
    if (use === 'clone' && roleOf(snapshot) === 'suspend' && this.kept.length > 0) {
      const remedy = `resume it with --keep, which makes it a snapshot, and clone that`;
      throw new SnapshotError(snapshot.name, `the disks of a suspend are its own: ${remedy}`);
    }
  }

  private get kept(): readonly DiskRecord[] {
    return this.records.filter(({ kind }) => kind === 'layers');
  }

  /** A clone writes to lines of its own. */
  config(config: MachineConfig): MachineConfig {
    if (this.use !== 'clone') return config;
    const devices = new Set(this.kept.map(({ device }) => device));
    const pci = config.pci.map((device) =>
      devices.has(pciDeviceId(device)) ? { ...device, options: { ...device.options, line: config.name } } : device,
    );
    return { ...config, pci };
  }

  /** How a disk of the machine is opened. */
  opening(device: string, { path, line }: Pick<DiskConfig, 'path' | 'line'>): DiskOpening {
    const disk = this.kept.find((record) => record.device === device);
    if (disk === undefined) return {};
    const { id } = this.snapshot.manifest;
    if (this.use === 'spend' || this.use === 'keep') {
      refusing(`disk ${path}`, () => claimDisk(this.snapshot, disk, path, line));
      return { resuming: id };
    }
    const at = refusing(`disk ${path}`, () => this.pointOf(disk, path));
    this.points.set(device, at);
    return { at };
  }

  /** The machine was built. */
  attach(machine: Machine): void {
    for (const { id, config, backend } of machine.parts.disks) {
      const record = this.records.find(({ device }) => device === id);
      if (record === undefined) throw new SnapshotError(`disk ${config.path}`, 'the snapshot knows no such disk');
      checkDisk(record, config.path, backend);
      if (!isKept(backend)) continue;
      if (!this.points.has(id)) checkPresent(record, backend.layers);
      this.disks.push({ device: id, disk: backend.layers });
    }
    machine.beforeRun(() => this.begin());
  }

  private begin(): void {
    const { snapshot, use, disks } = this;
    const owner = { id: snapshot.manifest.id, path: snapshot.folder };
    switch (use) {
      case 'again':
      case 'clone':
        refusing(snapshot.name, () => adoptTogether(dirname(snapshot.folder), this.adoptions()));
        for (const { disk } of disks) ignoringFailure(() => followSnapshot(disk.path, owner));
        break;
      case 'spend':
        markUse(snapshot, 'spent');
        for (const { disk } of disks) ignoringFailure(() => disk.clearOwner());
        break;
      case 'keep':
        markUse(snapshot, 'kept');
        for (const { disk } of disks) refusing(`disk ${disk.path}`, () => keepDisk(disk, owner));
        break;
    }
  }

  private adoptions(): Adoption[] {
    return this.disks.flatMap(({ device, disk }) => {
      const point = this.points.get(device);
      return point === undefined ? [] : [{ disk, point }];
    });
  }

  private pointOf(disk: DiskRecord, path: string): FrozenPoint {
    const point = pointOf(this.snapshot, disk, path);
    const [problem] = diskLayers.checkPoint(path, point);
    if (problem !== undefined) throw new Error(problem);
    return point;
  }
}

function checkDisk({ kind, capacity }: DiskRecord, path: string, backend: BlockBackend): void {
  if (capacity !== backend.capacity) {
    throw new SnapshotError(`disk ${path}`, `was saved with ${capacity} bytes, here it has ${backend.capacity}`);
  }
  if ((kind === 'read-only') === backend.readOnly) return;
  const expected = kind === 'read-only' ? 'read only' : 'as an image that is written to';
  throw new SnapshotError(`disk ${path}`, `was saved ${expected}; give it so`);
}

/** A suspend's disk is opened as it is: HEAD vouches for its files, and these must be the ones. */
function checkPresent({ point }: DiskRecord, disk: LayeredDisk): void {
  if (point !== null && samePoint(point, disk.present())) return;
  throw new SnapshotError(`disk ${disk.path}`, 'does not consist of the files that the suspend has written down');
}

/** It may have been renamed since, and its store moved. */
function followSnapshot(path: string, owner: DiskOwner): void {
  const pin = diskLayers.pinOf(path, owner.id);
  if (pin !== null && pin.path !== owner.path) diskLayers.confirmPin(path, owner);
}
