// SPDX-License-Identifier: BSD-2-Clause
/** A folder of snapshots. Names are never overwritten, and what dead processes left behind goes when it is opened. */
import { closeSync, constants, existsSync, openSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ignoringFailure } from '../host/ignoring-failure.js';
import { lockFile } from '../hypervisor/ram-files.js';
import { BaseCache } from './base-cache.js';
import { removeJournals } from './disks/adopt-disks.js';
import { releaseDisks, unpinDisks } from './disks/let-go.js';
import { Draft } from './draft.js';
import { goneName, isGone, isOrphan } from './draft-owner.js';
import { makeFolders, openRegular, removeTree, renameDurable, syncFolder } from './durable.js';
import { refusing, SnapshotError } from './snapshot-error.js';
import { FILES, type OpenLayer, openLayer, SnapshotFolder } from './snapshot-folder.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const NUMBERED = /^(.+)-([1-9][0-9]{0,8})$/;
/** What a name may have beside `-` and a number. */
const STEM_MAX = 54;
/** Failures of the system that tell that a file is not there, and not that it cannot be read now. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);
const ROOT_MODE = 0o700;

/** A snapshot of the store, or why what has this name is none. */
export type StoreEntry =
  | { readonly name: string; readonly snapshot: SnapshotFolder }
  | { readonly name: string; readonly problem: SnapshotError };

export class SnapshotStore {
  readonly root: string;
  readonly bases: BaseCache;

  constructor(root: string) {
    this.root = resolve(root);
    refusing(root, () => makeFolders(this.root, ROOT_MODE));
    const status = refusing(root, () => statSync(this.root));
    if (!status.isDirectory()) throw new SnapshotError(root, 'expected a folder as the store');
    if ((status.mode & 0o077) !== 0) {
      throw new SnapshotError(root, `others may enter this store, and memory holds secrets: chmod 700 ${root}`);
    }
    this.bases = new BaseCache(this.root);
    this.removeOrphans();
  }

  /** All snapshots by name, broken ones too. */
  list(): StoreEntry[] {
    return this.names().map((name) => {
      try {
        return { name, snapshot: this.open(name) };
      } catch (problem) {
        if (problem instanceof SnapshotError) return { name, problem };
        throw problem;
      }
    });
  }

  open(name: string): SnapshotFolder {
    checkName(name);
    const folder = join(this.root, name);
    if (!existsSync(folder)) throw new SnapshotError(name, `no snapshot of this name in ${this.root}`);
    return new SnapshotFolder(folder, name);
  }

  /** Starts a snapshot. It must be committed or abandoned. */
  begin(name: string): Draft {
    checkName(name);
    if (existsSync(join(this.root, name))) {
      throw new SnapshotError(name, 'there is a snapshot of this name: choose another');
    }
    return refusing(name, () => new Draft(this.root, name));
  }

  /** `<vm>-<n>` with the number after the highest there is. */
  nextName(vm: string): string {
    const numbers = this.names().flatMap((name) => {
      const [, stem, digits] = NUMBERED.exec(name) ?? [];
      return stem === shortened(vm) ? [Number(digits)] : [];
    });
    return `${shortened(vm)}-${Math.max(0, ...numbers) + 1}`;
  }

  /** The right to use a snapshot up, until the descriptor is closed. */
  claim(name: string): number {
    const { folder } = this.open(name);
    const lock = refusing(name, () => openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY));
    if (lockFile(lock, 'exclusive')) return lock;
    closeSync(lock);
    throw new SnapshotError(name, 'another machine is being resumed from it');
  }

  /** This snapshot and those it builds on, from the newest. */
  chain(newest: SnapshotFolder): SnapshotFolder[] {
    const chain = [newest];
    let last = newest;
    for (let { parent } = last.manifest; parent !== null; { parent } = last.manifest) {
      last = this.parentOf(last, parent, chain);
      chain.push(last);
    }
    return chain;
  }

  /** The chain with every RAM file open and locked, so that none of it can be removed meanwhile. */
  withLayers<T>(newest: SnapshotFolder, use: (layers: readonly OpenLayer[]) => T): T {
    const layers: OpenLayer[] = [];
    try {
      for (const snapshot of this.chain(newest)) layers.push(openLayer(snapshot));
      return use(layers);
    } finally {
      for (const { fd } of layers) closeSync(fd);
    }
  }

  /**
   * Removes a snapshot that no other builds on and no machine runs from. Answers the images of disks that keep something for
   * it, and are not where they were.
   */
  remove(name: string): string[] {
    checkName(name);
    const folder = join(this.root, name);
    if (!existsSync(folder)) throw new SnapshotError(name, `no snapshot of this name in ${this.root}`);
    const lock = existsSync(join(folder, FILES.ram))
      ? openRegular(join(folder, FILES.ram), `${name}/${FILES.ram}`)
      : null;
    try {
      if (lock !== null && !lockFile(lock, 'exclusive'))
        throw new SnapshotError(name, 'in use by a machine or by a save that builds on it');
      return refusing(name, () => {
        this.refuseParent(name);
        const snapshot = this.readable(name);
        if (snapshot !== null && !this.bases.remove(snapshot.manifest.digest)) {
          throw new SnapshotError(name, 'in use by a clone of it');
        }
        if (snapshot !== null) releaseDisks(snapshot);
        return this.discard(name);
      });
    } finally {
      if (lock !== null) closeSync(lock);
    }
  }

  /** As `remove`, by the machine that runs from it: what is mapped stays readable without a name. */
  consume(name: string): void {
    checkName(name);
    refusing(name, () => {
      this.refuseParent(name);
      const snapshot = this.readable(name);
      if (snapshot !== null) releaseDisks(snapshot); // which the resume tried, and a disk may have refused then
      this.discard(name);
      if (snapshot !== null) this.bases.remove(snapshot.manifest.digest);
    });
  }

  /**
   * Takes a snapshot back that has just become visible, on a full disk too: what a power cut may bring back is a suspend that no
   * disk belongs to, and its resume is refused.
   */
  withdraw(name: string): void {
    const gone = join(this.root, goneName());
    refusing(name, () => renameSync(join(this.root, name), gone));
    ignoringFailure(() => syncFolder(this.root));
    ignoringFailure(() => unpinDisks(gone));
    removeTree(gone);
  }

  private refuseParent(name: string): void {
    const children = this.childrenOf(name);
    if (children.length > 0) {
      throw new SnapshotError(name, `in use: ${children.join(', ')} build on it; flatten or remove them first`);
    }
  }

  private discard(name: string): string[] {
    const gone = join(this.root, goneName());
    renameDurable(join(this.root, name), gone);
    const absent = unpinDisks(gone);
    removeTree(gone);
    return absent;
  }

  private names(): string[] {
    return this.entries()
      .filter((name) => NAME.test(name))
      .sort();
  }

  private entries(): string[] {
    return refusing(this.root, () => readdirSync(this.root));
  }

  private snapshots(): SnapshotFolder[] {
    return readableOf(this.list());
  }

  private parentOf(
    child: SnapshotFolder,
    { id, manifest }: { id: string; manifest: string },
    seen: readonly SnapshotFolder[],
  ): SnapshotFolder {
    const path = `${child.label('manifest')}: body.parent`;
    const parent = this.snapshots().find((candidate) => candidate.manifest.id === id);
    if (parent === undefined) throw new SnapshotError(path, `its parent ${id} is not in ${this.root}`);
    if (parent.manifest.digest !== manifest) throw new SnapshotError(path, `${parent.name} is not the parent it was`);
    if (seen.some((other) => other.manifest.id === id)) throw new SnapshotError(path, 'the chain comes back to itself');
    if (String(parent.manifest.ram.segments) !== String(child.manifest.ram.segments)) {
      throw new SnapshotError(path, `${parent.name} has other memory`);
    }
    return parent;
  }

  /** Null if it is broken. */
  private readable(name: string): SnapshotFolder | null {
    return this.snapshots().find((snapshot) => snapshot.name === name) ?? null;
  }

  private childrenOf(name: string): string[] {
    const entries = this.list();
    for (const entry of entries) if ('problem' in entry) refuseUnreadable(entry.problem);
    const all = readableOf(entries);
    const id = all.find((snapshot) => snapshot.name === name)?.manifest.id;
    return all.flatMap((other) => (id !== undefined && other.manifest.parent?.id === id ? [other.name] : []));
  }

  /** Of drafts those whose process has ended and whose lock nobody holds: two process-id name spaces may share a store. */
  private removeOrphans(): void {
    for (const name of this.entries().filter(isGone)) this.finishRemoval(join(this.root, name));
    for (const name of this.entries().filter(isOrphan)) {
      const folder = join(this.root, name);
      const lock = openFolder(folder);
      if (lock === null) continue;
      try {
        if (lockFile(lock, 'exclusive')) removeTree(folder);
      } finally {
        closeSync(lock);
      }
    }
    removeJournals(this.root, this.entries());
    this.bases.removeOrphans(() => new Set(this.snapshots().map(({ manifest }) => manifest.digest)));
  }

  /** A disk that cannot let go now is asked again by the next opening. */
  private finishRemoval(gone: string): void {
    ignoringFailure(() => {
      unpinDisks(gone);
      removeTree(gone);
    });
  }
}

function readableOf(entries: readonly StoreEntry[]): SnapshotFolder[] {
  return entries.flatMap((entry) => ('snapshot' in entry ? [entry.snapshot] : []));
}

/** A snapshot that cannot be read at the moment may build on any other; what is damaged for good builds on nothing. */
function refuseUnreadable(problem: SnapshotError): void {
  const { code } = Object(problem.cause) as { code?: unknown };
  if (typeof code === 'string' && !GONE.has(code)) throw problem;
}

/** Null if somebody else has just removed it, or if it is no folder. */
function openFolder(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return null;
  }
}

function shortened(vm: string): string {
  return vm.slice(0, STEM_MAX);
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new SnapshotError(
    JSON.stringify(name),
    'expected 1 to 64 letters, digits, and _ . - after the first as the name of a snapshot',
  );
}
