// SPDX-License-Identifier: BSD-2-Clause
/** The open and locked files of a disk. */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  rmSync,
} from 'node:fs';
import { lockFile } from '../../../hypervisor/ram-files.js';
import { createNew, removeTree, syncFolder } from '../../durable-files.js';
import { newId } from '../../new-id.js';
import type { FrozenFile, FrozenPoint, LayerHandle, PreparedLayer } from './api.js';
import type { LayerFolder } from './folder.js';
import { layerName } from './head.js';
import { difference, IMAGE, identityOf } from './identity.js';
import { writeEmptyLayer } from './layer-file.js';

export const FROZEN_MODE = 0o400;
export const WRITABLE_MODE = 0o600;

/** A point that is shown and not adopted yet: by a clone of the image's file, or with a new layer on top. */
export interface Pending {
  readonly point: FrozenPoint;
  readonly clone: string | null;
  readonly top: string | null;
}

export interface LayerInUse extends LayerHandle {
  readonly name: string;
}

/** Nobody removes a file that is open here. */
export function openShared(folder: LayerFolder, file: string, access: number = constants.O_RDONLY): number {
  const fd = folder.attempt(() => openSync(folder.path(file), access | constants.O_NOFOLLOW));
  if (lockFile(fd, 'shared') && fstatSync(fd).nlink > 0) return fd;
  closeSync(fd);
  throw folder.error(`${file} is in use; nobody may have it open for writing`);
}

/** Throws what is wrong with a file that should be as it was frozen. */
export function checkFrozen(folder: LayerFolder, fd: number, { file, identity }: FrozenFile): void {
  const changed = difference(identityOf(fd), identity);
  if (changed === null) return;
  const what = file === IMAGE ? 'the image' : `${file} in ${folder.root}`;
  throw folder.error(
    `${what} was changed after it was frozen: ${changed}; if that was meant: tsbhyve disk rebase --accept ${folder.image}`,
  );
}

/** A new file of the folder with its final name, locked before anybody could take it for a leftover. */
export function createLocked(folder: LayerFolder, name: string): number {
  return folder.exclusively(() =>
    folder.attempt(() => {
      const fd = createNew(folder.path(name));
      lockFile(fd, 'shared');
      return fd;
    }),
  );
}

export class NewLayer implements PreparedLayer {
  readonly id = newId();
  readonly handle: LayerInUse;
  private isUsed = false;

  constructor(
    private readonly folder: LayerFolder,
    diskBytes: number,
  ) {
    const name = layerName(this.id);
    const fd = createLocked(folder, name);
    this.handle = { fd, id: Buffer.from(this.id, 'hex'), name };
    try {
      folder.attempt(() => {
        writeEmptyLayer(fd, this.id, diskBytes);
        syncFolder(folder.root);
      });
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** From now on its user closes it. */
  use(): LayerInUse {
    this.isUsed = true;
    return this.handle;
  }

  discard(): void {
    if (this.isUsed) return;
    this.isUsed = true;
    removeTree(this.folder.path(this.handle.name));
    closeSync(this.handle.fd);
  }
}

/** Shares the blocks of a file with a new one. Null where the file system cannot do that. Locked. */
export function cloneFile(folder: LayerFolder, from: string, mode: number): { name: string; fd: number } | null {
  const name = `base-${newId()}`;
  return folder.exclusively(() => {
    try {
      copyFileSync(folder.path(from), folder.path(name), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    } catch {
      rmSync(folder.path(name), { force: true });
      return null;
    }
    return folder.attempt(() => {
      chmodSync(folder.path(name), WRITABLE_MODE);
      const fd = openShared(folder, name, constants.O_RDWR);
      fchmodSync(fd, mode);
      fsyncSync(fd);
      syncFolder(folder.root);
      return { name, fd };
    });
  });
}

/** Its content is on stable storage already. */
export function freezeFile(folder: LayerFolder, file: string): void {
  folder.attempt(() => chmodSync(folder.path(file), FROZEN_MODE));
}

/** The mode comes before the work that it belongs to, and goes with its failure: once HEAD has changed nothing may fail. */
export function changingMode<T>(fd: number, mode: number, work: () => T): T {
  const before = fstatSync(fd).mode & 0o777;
  fchmodSync(fd, mode);
  try {
    return work();
  } catch (error) {
    fchmodSync(fd, before);
    throw error;
  }
}
