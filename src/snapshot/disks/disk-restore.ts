// SPDX-License-Identifier: BSD-2-Clause
/**
 * The disks of a machine that is restored: opened where the snapshot has them, and changed on stable storage only right
 * before the first instruction.
 */
import { dirname } from 'node:path';
import { isKept } from '../../host/disk/kept-disk.js';
import type { DiskOwner, FrozenPoint, LayeredDisk } from '../../host/disk/layers/api.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import type { MachineConfig } from '../../machine/config.js';
import type { Machine } from '../../machine/machine.js';
import type { DiskOpening } from '../../machine/machine-disks.js';
import { pciDeviceId } from '../../machine/pci-devices.js';
import { refusing, SnapshotError } from '../snapshot-error.js';
import type { SnapshotFolder } from '../snapshot-folder.js';
import { markUse, roleOf } from '../suspend-use.js';
import { type Adoption, adoptTogether } from './adopt-disks.js';
import { attempt } from './attempt.js';
import { pointOf } from './disk-point.js';
import type { DiskRecord } from './disk-record.js';
import { keepDisk } from './settle-disk.js';

/** `again`: any number of times. `spend` and `keep`: a suspend, which is used up or made a snapshot. */
export type RestoreUse = 'again' | 'spend' | 'keep' | 'clone';

export class DiskRestore {
  private readonly records: readonly DiskRecord[];
  /** Where each disk begins, by its device. */
  private readonly points = new Map<string, FrozenPoint>();
  private disks: readonly { readonly device: string; readonly disk: LayeredDisk }[] = [];

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
  opening(device: string, path: string): DiskOpening {
    const disk = this.kept.find((record) => record.device === device);
    if (disk === undefined) return {};
    const { id } = this.snapshot.manifest;
    if (this.use === 'spend' || this.use === 'keep') return { resuming: id };
    const at = refusing(`disk ${path}`, () => this.pointOf(disk, path));
    this.points.set(device, at);
    return { at };
  }

  /** The machine was built. */
  attach(machine: Machine): void {
    this.disks = this.kept.map(({ device, path }) => {
      const backend = machine.parts.disks.find(({ id }) => id === device)?.backend;
      if (backend !== undefined && isKept(backend)) return { device, disk: backend.layers };
      throw new SnapshotError(`disk ${path}`, 'was saved as an image that is written to; give it such a one');
    });
    machine.beforeRun(() => this.begin());
  }

  private begin(): void {
    const { snapshot, use, disks } = this;
    const owner = { id: snapshot.manifest.id, path: snapshot.folder };
    switch (use) {
      case 'again':
      case 'clone':
        refusing(snapshot.name, () => adoptTogether(dirname(snapshot.folder), this.adoptions()));
        for (const { disk } of disks) attempt(() => followSnapshot(disk.path, owner));
        break;
      case 'spend':
        if (roleOf(snapshot) === 'suspend') markUse(snapshot, 'spent');
        for (const { disk } of disks) attempt(() => disk.clearOwner());
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

/** It may have been renamed since, and its store moved. */
function followSnapshot(path: string, owner: DiskOwner): void {
  const pin = diskLayers.pinOf(path, owner.id);
  if (pin !== null && pin.path !== owner.path) diskLayers.confirmPin(path, owner);
}
