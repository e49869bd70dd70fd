// SPDX-License-Identifier: BSD-2-Clause
/**
 * The disks of a machine at the instant at which it is saved. A snapshot freezes what they hold, and the guest goes on in
 * new layers above that; a suspend leaves them as they are and makes them its own.
 */
import { isKept, type KeptDisk } from '../../host/disk/kept-disk.js';
import type { DiskOwner, FrozenPoint, PreparedLayer } from '../../host/disk/layers/api.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { ignoringFailure } from '../../host/ignoring-failure.js';
import type { Machine } from '../../machine/machine.js';
import type { MachineDisk } from '../../machine/machine-disks.js';
import type { ManifestBody } from '../manifest.js';
import { refusing } from '../snapshot-error.js';
import type { Steps } from '../steps.js';
import { flushed, flushNow } from './disk-flush.js';
import type { DiskRecord } from './disk-record.js';

interface Part {
  readonly device: string;
  readonly disk: KeptDisk;
  prepared: PreparedLayer | null;
  point: FrozenPoint | null;
  isPinned: boolean;
}

export class DiskSave {
  private readonly parts: readonly Part[];
  private readonly readOnly: readonly MachineDisk[];

  /** `snapshot` as it will be. */
  constructor(
    machine: Machine,
    private readonly snapshot: DiskOwner,
    private readonly kind: ManifestBody['kind'],
  ) {
    const { disks } = machine.parts;
    this.parts = disks.flatMap(({ id, backend }) =>
      isKept(backend) ? [{ device: id, disk: backend, prepared: null, point: null, isPinned: false }] : [],
    );
    this.readOnly = disks.filter(({ backend }) => backend.readOnly);
  }

  /** Everything that can be done before the machine stops. */
  *prepare(): Steps<void> {
    yield* flushed(this.parts.map(({ disk }) => disk));
    if (this.kind === 'suspend') return;
    for (const part of this.parts) part.prepared = this.refusing(part, ({ layers }) => layers.prepare());
  }

  /** The instant: the machine stands still. */
  take(): void {
    for (const { disk } of this.parts) flushNow(disk);
    for (const part of this.parts) {
      part.point = this.refusing(part, ({ layers }) =>
        this.kind === 'suspend' ? layers.present() : layers.freeze(part.prepared),
      );
    }
  }

  /** Nobody removes what was frozen, from now on. The guest may run. */
  pin(): void {
    if (this.kind === 'suspend') return;
    for (const part of this.parts) {
      const { point } = part;
      if (point === null) continue;
      part.isPinned = true;
      this.refusing(part, ({ layers }) => layers.pin(this.snapshot, point));
    }
  }

  records(): DiskRecord[] {
    const kept = this.parts.map(({ device, disk: { layers, capacity }, point }): DiskRecord => {
      const { path, line } = layers;
      return { device, kind: 'layers', path, line, capacity, point: point && plain(point) };
    });
    const others = this.readOnly.map(({ id, config: { path }, backend: { capacity } }): DiskRecord => {
      return { device: id, kind: 'read-only', path, line: null, capacity, point: null };
    });
    return [...kept, ...others].sort((a, b) => (a.device < b.device ? -1 : 1));
  }

  /** The snapshot is there. When this throws it must go again, and no disk belongs to it. */
  commit(): void {
    try {
      for (const part of this.parts) {
        if (this.kind === 'suspend') this.refusing(part, ({ layers }) => layers.setOwner(this.snapshot));
        else this.confirm(part);
      }
    } catch (error) {
      for (const part of this.parts) ignoringFailure(() => this.disown(part));
      throw error;
    }
  }

  /** There is no snapshot. What was frozen is thawed if the guest has not run since; else it is a layer like others. */
  undo(hasRun: boolean): void {
    for (const { disk, prepared, point, isPinned } of this.parts) {
      const { layers } = disk;
      if (isPinned) ignoringFailure(() => diskLayers.unpin(layers.path, this.snapshot.id));
      if (this.kind === 'snapshot' && point !== null && !hasRun) ignoringFailure(() => layers.undoFreeze(point));
      ignoringFailure(() => prepared?.discard());
    }
  }

  /** A pin that is not confirmed is by the next opening: its snapshot is there. */
  private confirm({ disk }: Part): void {
    ignoringFailure(() => diskLayers.confirmPin(disk.layers.path, this.snapshot));
  }

  private disown({ disk: { layers } }: Part): void {
    if (layers.owner?.id === this.snapshot.id) layers.clearOwner();
  }

  private refusing<T>({ disk }: Part, work: (disk: KeptDisk) => T): T {
    return refusing(`disk ${disk.layers.path}`, () => work(disk));
  }
}

function plain({ base, layers }: FrozenPoint): NonNullable<DiskRecord['point']> {
  return { base, layers: [...layers] };
}
