// SPDX-License-Identifier: BSD-2-Clause
/**
 * What a power cut may leave of a folder. Only what POSIX promises is believed: after fsync of a file its contents, size
 * and mode are on disk, after fsync of a folder its entries. Everything since may be there or not, in any combination;
 * a write may be there in any of its sectors.
 */
import type { Change, Place } from './store-log.js';

export type Tree = Map<string, TreeFile | Tree>;

export interface TreeFile {
  readonly bytes: Buffer;
  readonly mode: number;
}

export type Edit =
  | { readonly offset: number; readonly bytes: Buffer }
  | { readonly size: number }
  | { readonly end: number }
  | { readonly mode: number };

/** One call's changes to the entries of one folder; null removes. They arrive together. */
type EntryEdit = readonly (readonly [name: string, object: number | null])[];

interface DiskFile {
  durable: TreeFile;
  pending: Edit[];
}

interface DiskFolder {
  durable: ReadonlyMap<string, number>;
  pending: EntryEdit[];
}

/** How the pending changes of every file and folder fare. */
export interface Fate {
  keepsEntry(folder: number, index: number): boolean;
  file(durable: TreeFile, pending: readonly Edit[]): TreeFile;
}

export class Disk {
  private readonly files = new Map<number, DiskFile>();
  private readonly folders = new Map<number, DiskFolder>([[0, { durable: new Map(), pending: [] }]]);

  apply(change: Change): void {
    switch (change.kind) {
      case 'folder':
        this.folders.set(change.object, { durable: new Map(), pending: [] });
        this.enter(change.at, change.object);
        break;
      case 'create':
        this.files.set(change.object, { durable: { bytes: Buffer.alloc(0), mode: change.mode }, pending: [] });
        this.enter(change.at, change.object);
        break;
      case 'write':
        this.file(change.object).pending.push({ offset: change.offset, bytes: change.bytes });
        break;
      case 'resize':
        this.file(change.object).pending.push({ size: change.size });
        break;
      case 'allocate':
        this.file(change.object).pending.push({ end: change.end });
        break;
      case 'rename':
        this.rename(change.at, change.to);
        break;
      case 'remove':
        this.enter(change.at, null);
        break;
      case 'mode':
        this.files.get(change.object)?.pending.push({ mode: change.mode });
        break;
      case 'sync':
        this.sync(change.object);
        break;
      case 'mark':
        break;
    }
  }

  /** Number of pending calls for each folder that has some. */
  pendingEntries(): Map<number, number> {
    return new Map(
      [...this.folders].flatMap(([object, { pending }]) => (pending.length > 0 ? [[object, pending.length]] : [])),
    );
  }

  /** What is found after a power cut that left the pending changes to `fate`. */
  after(fate: Fate, folder = 0): Tree {
    const { durable, pending } = this.folder(folder);
    const kept = pending.filter((_, index) => fate.keepsEntry(folder, index));
    return new Map(
      [...entries(durable, kept)].map(([name, object]) => {
        const file = this.files.get(object);
        return [name, file === undefined ? this.after(fate, object) : fate.file(file.durable, file.pending)];
      }),
    );
  }

  private rename(at: Place, to: Place): void {
    const { durable, pending } = this.folder(at.folder);
    const object = entries(durable, pending).get(at.name);
    if (object === undefined) throw new Error(`the log renames ${at.name}, which nobody made`);
    if (at.folder === to.folder) {
      pending.push([
        [at.name, null],
        [to.name, object],
      ]);
    } else {
      this.enter(at, null);
      this.enter(to, object);
    }
  }

  private enter({ folder, name }: Place, object: number | null): void {
    this.folder(folder).pending.push([[name, object]]);
  }

  private sync(object: number): void {
    const file = this.files.get(object);
    if (file === undefined) {
      const folder = this.folder(object);
      folder.durable = entries(folder.durable, folder.pending);
      folder.pending = [];
    } else {
      file.durable = edited(file.durable, file.pending);
      file.pending = [];
    }
  }

  private file(object: number): DiskFile {
    const file = this.files.get(object);
    if (file === undefined) throw new Error(`object ${object} of the log is no file`);
    return file;
  }

  private folder(object: number): DiskFolder {
    const folder = this.folders.get(object);
    if (folder === undefined) throw new Error(`object ${object} of the log is no folder`);
    return folder;
  }
}

/** A file after some edits. */
export function edited({ bytes, mode }: TreeFile, edits: readonly Edit[]): TreeFile {
  let result = bytes;
  let currentMode = mode;
  let owned = false;
  const resize = (size: number): void => {
    if (size === result.length && owned) return;
    const copy = Buffer.alloc(size);
    result.copy(copy);
    result = copy;
    owned = true;
  };
  for (const edit of edits) {
    if ('mode' in edit) {
      currentMode = edit.mode;
    } else if ('size' in edit) {
      resize(edit.size);
    } else if ('end' in edit) {
      resize(Math.max(edit.end, result.length));
    } else {
      resize(Math.max(edit.offset + edit.bytes.length, result.length));
      edit.bytes.copy(result, edit.offset);
    }
  }
  return { bytes: result, mode: currentMode };
}

function entries(durable: ReadonlyMap<string, number>, edits: readonly EntryEdit[]): Map<string, number> {
  const result = new Map(durable);
  for (const [name, object] of edits.flat()) {
    if (object === null) result.delete(name);
    else result.set(name, object);
  }
  return result;
}
