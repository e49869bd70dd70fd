// SPDX-License-Identifier: BSD-2-Clause
/** A snapshot while it is being made: a folder that nobody sees until it is whole and on disk. */
import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '../hypervisor/ram-files.js';
import { draftName } from './draft-owner.js';
import { finishFile, removeTree, renameDurable, syncFolder } from './durable.js';
import { SnapshotError } from './snapshot-error.js';

export class Draft {
  readonly folder: string;
  private readonly lock: number;
  private open = true;

  constructor(
    private readonly root: string,
    readonly name: string,
  ) {
    this.folder = join(root, draftName());
    mkdirSync(this.folder, { mode: 0o700 });
    try {
      this.lock = openSync(this.folder, constants.O_RDONLY | constants.O_DIRECTORY);
      lockFile(this.lock, 'exclusive');
    } catch (error) {
      removeTree(this.folder);
      throw error;
    }
  }

  /** Where the finished snapshot is. */
  get target(): string {
    return join(this.root, this.name);
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  /** A folder in it. */
  makeFolder(name: string): string {
    mkdirSync(this.path(name), { mode: 0o700 });
    return this.path(name);
  }

  /** Makes the snapshot visible under its name. When this returns it survives a power failure. */
  commit(): void {
    finishTree(this.folder);
    if (existsSync(this.target)) throw new SnapshotError(this.name, 'there is a snapshot of this name: choose another');
    renameDurable(this.folder, this.target);
    this.end();
  }

  /** Removes what there is of it; after `commit` it does nothing. */
  abandon(): void {
    if (!this.open) return;
    this.end();
    removeTree(this.folder);
  }

  private end(): void {
    this.open = false;
    closeSync(this.lock);
  }
}

function finishTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) finishTree(path);
    else finishFile(path);
  }
  syncFolder(folder);
}
