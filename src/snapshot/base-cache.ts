// SPDX-License-Identifier: BSD-2-Clause
/** Flattened chains in a store, by the digest of the snapshot that each is made of. They are in no list. */
import { closeSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '../hypervisor/ram-files.js';
import { Draft } from './draft.js';
import { draftName } from './draft-owner.js';
import { openRegular } from './durable.js';
import { SnapshotError } from './snapshot-error.js';
import { FILES, SnapshotFolder } from './snapshot-folder.js';

const NAME = /^\.base-([0-9a-f]{64})$/;

export class BaseCache {
  constructor(private readonly root: string) {}

  /** Null if there is none yet, or none that is any good. */
  open({ manifest: { digest } }: SnapshotFolder): SnapshotFolder | null {
    const name = nameOf(digest);
    if (!existsSync(join(this.root, name))) return null;
    try {
      return new SnapshotFolder(join(this.root, name), name);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      this.remove(digest);
      return null;
    }
  }

  begin({ manifest: { digest } }: SnapshotFolder): Draft {
    return new Draft(this.root, nameOf(digest));
  }

  /** False if a machine runs from it. */
  remove(digest: string): boolean {
    const folder = join(this.root, nameOf(digest));
    try {
      return !existsSync(folder) || this.removeFolder(folder, digest);
    } catch (error) {
      if (!existsSync(folder)) return true; // whoever opened the store at the same time was faster
      throw error;
    }
  }

  /** Those of snapshots that are gone. `living` is asked for the digests of all that are there, if there is any base. */
  removeOrphans(living: () => ReadonlySet<string>): void {
    const digests = readdirSync(this.root).flatMap((name) => NAME.exec(name)?.[1] ?? []);
    if (digests.length === 0) return;
    const needed = living();
    for (const digest of digests) if (!needed.has(digest)) this.remove(digest);
  }

  private removeFolder(folder: string, digest: string): boolean {
    const ram = join(folder, FILES.ram);
    const lock = existsSync(ram) ? openRegular(ram, `${nameOf(digest)}/${FILES.ram}`) : null;
    try {
      if (lock !== null && !lockFile(lock, 'exclusive')) return false;
      const gone = join(this.root, draftName());
      renameSync(folder, gone);
      rmSync(gone, { recursive: true, force: true });
      return true;
    } finally {
      if (lock !== null) closeSync(lock);
    }
  }
}

function nameOf(digest: string): string {
  return `.base-${digest}`;
}
