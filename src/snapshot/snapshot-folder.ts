// SPDX-License-Identifier: BSD-2-Clause
/** A finished snapshot on disk, read and never written. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CborValue, decode } from '../core/cbor.js';
import { lockFile } from '../hypervisor/ram-files.js';
import type { RamLayer } from '../hypervisor/ram-job.js';
import { DISK_RECORD_MAX, type DiskRecord, decodeDisk, diskFile } from './disks/disk-record.js';
import { openRegular, readBounded } from './durable.js';
import { decodeManifest, MANIFEST_MAX, type Manifest } from './manifest.js';
import { decodeIndex, INDEX_MAX, type PageIndex, pageCount } from './page-index.js';
import { refusing, SnapshotError } from './snapshot-error.js';

export const FILES = { manifest: 'manifest.json', state: 'state.cbor', index: 'index.cbor', ram: 'ram' } as const;
export const DISKS_FOLDER = 'disks';
export const STATE_MAX = 32 * 1024 * 1024;

export class SnapshotFolder {
  readonly manifest: Manifest;
  /** Of the manifest, as it was read. */
  readonly status: Stats;

  /** `moved` is what was read before the folder got its present name. */
  constructor(
    readonly folder: string,
    readonly name: string,
    moved?: SnapshotFolder,
  ) {
    if (moved !== undefined) {
      this.manifest = moved.manifest;
      this.status = moved.status;
      return;
    }
    const { bytes, status } = readBounded(this.path('manifest'), this.label('manifest'), MANIFEST_MAX);
    this.manifest = decodeManifest(bytes, this.label('manifest'));
    this.status = status;
    this.checkSegments();
  }

  path(part: keyof typeof FILES): string {
    return join(this.folder, FILES[part]);
  }

  /** How errors name a file of this snapshot. */
  label(part: keyof typeof FILES): string {
    return `${this.name}/${FILES[part]}`;
  }

  readState(): CborValue {
    const bytes = this.readDigested('state', STATE_MAX);
    return refusing(this.label('state'), () => decode(bytes));
  }

  /** What it says about the disks of the machine. */
  readDisks(): DiskRecord[] {
    const seen = new Set<string>();
    return this.manifest.disks.map((reference) => {
      const { device } = reference;
      const file = diskFile(device);
      const label = `${this.name}/${DISKS_FOLDER}/${file}`;
      if (seen.has(device)) throw new SnapshotError(label, 'there are two of this name');
      seen.add(device);
      const bytes = readDigested(join(this.folder, DISKS_FOLDER, file), label, reference, DISK_RECORD_MAX);
      const disk = decodeDisk(bytes, label);
      if (disk.device === device) return disk;
      throw new SnapshotError(label, `expected the disk of ${device}, got that of ${disk.device}`);
    });
  }

  readIndex(): PageIndex {
    const index = decodeIndex(
      this.readDigested('index', INDEX_MAX),
      pageCount(this.manifest.ram.segments),
      this.label('index'),
    );
    if ((index.present === null) !== (this.manifest.parent === null)) {
      throw new SnapshotError(`${this.label('index')}: present`, 'a full snapshot has all pages, and only a full one');
    }
    return index;
  }

  get ramDigest(): Uint8Array {
    return Buffer.from(this.manifest.ram.xxh3, 'hex');
  }

  /** Opens the RAM file and locks it shared: nobody removes this snapshot before the descriptor is closed. */
  openRam(): number {
    const fd = openRegular(this.path('ram'), this.label('ram'));
    try {
      if (!refusing(this.label('ram'), () => lockFile(fd, 'shared'))) {
        throw new SnapshotError(this.name, 'is being removed');
      }
      const [opened, current] = [fstatSync(fd), refusing(this.label('ram'), () => statSync(this.path('ram')))];
      if (opened.ino !== current.ino) throw new SnapshotError(this.name, 'was replaced while it was opened');
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  private readDigested(part: 'state' | 'index', max: number): Uint8Array {
    return readDigested(this.path(part), this.label(part), this.manifest.files[part], max);
  }

  private checkSegments(): void {
    const { machine, ram } = this.manifest;
    const path = `${this.label('manifest')}: body.ram.segments`;
    if (ram.segments.some((bytes) => bytes === 0 || bytes % 4096 !== 0)) {
      throw new SnapshotError(path, 'expected whole pages of 4096 bytes');
    }
    const total = ram.segments.reduce((sum, bytes) => sum + bytes, 0);
    if (total !== machine.memory) {
      throw new SnapshotError(path, `expected ${machine.memory} bytes as the machine has, got ${total}`);
    }
  }
}

/** A file that the manifest names with its length and its digest. */
function readDigested(
  path: string,
  label: string,
  { bytes: length, sha256 }: { bytes: number; sha256: string },
  max: number,
): Uint8Array {
  const { bytes } = readBounded(path, label, max);
  if (bytes.length !== length) throw new SnapshotError(label, `expected ${length} bytes, got ${bytes.length}`);
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
  throw new SnapshotError(label, 'the contents do not match their digest');
}

/** A layer of a chain with its file held open and locked. */
export interface OpenLayer {
  readonly snapshot: SnapshotFolder;
  readonly index: PageIndex;
  readonly fd: number;
}

export function openLayer(snapshot: SnapshotFolder): OpenLayer {
  const index = snapshot.readIndex();
  return { snapshot, index, fd: snapshot.openRam() };
}

export function ramLayer({ fd, index }: OpenLayer): RamLayer {
  return [fd, index.present, index.stored];
}
