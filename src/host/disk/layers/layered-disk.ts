// SPDX-License-Identifier: BSD-2-Clause
/** An image that is open. Every change of HEAD is made on what HEAD says then: others may release an owner meanwhile. */
import { closeSync, fstatSync, fsyncSync, rmSync, statSync } from 'node:fs';
import { lockFile } from '../../../hypervisor/ram-files.js';
import { removeTree, syncFolder } from '../../durable-files.js';
import { adoptPoint } from './adopt.js';
import type {
  DiskFiles,
  DiskJob,
  DiskOwner,
  FrozenPoint,
  LayeredDisk,
  LayerStack,
  PreparedLayer,
  Stray,
} from './api.js';
import { tidy } from './clean.js';
import { closeAll, type LayerFolder } from './folder.js';
import { flatHead, type Head, layerName } from './head.js';
import { IMAGE, identityOf } from './identity.js';
import { mergeLayers } from './merge.js';
import {
  changingMode,
  cloneFile,
  FROZEN_MODE,
  type LayerInUse,
  NewLayer,
  type Pending,
  WRITABLE_MODE,
} from './open-files.js';
import { writePin } from './pins.js';

export interface OpenState {
  readonly line: string | null;
  readonly readOnly: boolean;
  /** Holds the lock of the image. */
  readonly image: number;
  readonly lock: number | null;
  readonly bytes: number;
  readonly base: number;
  readonly layers: readonly LayerInUse[];
  readonly at: Pending | null;
}

export class OpenDisk implements LayeredDisk {
  readonly path: string;
  readonly line: string | null;
  readonly readOnly: boolean;
  readonly capacity: number;
  private layers: LayerInUse[];
  private base: number;
  private image: number;
  private lock: number | null;
  private pending: Pending | null;
  private stack: LayerStack | null = null;
  /** Open so that nobody removes it before it is pinned. */
  private unpinned: number | null = null;
  private canClone: boolean | null = null;
  private isOpen = true;

  constructor(
    private readonly folder: LayerFolder,
    state: OpenState,
  ) {
    this.path = folder.image;
    this.line = state.line;
    this.readOnly = state.readOnly;
    this.capacity = state.bytes;
    this.layers = [...state.layers];
    this.base = state.base;
    this.image = state.image;
    this.lock = state.lock;
    this.pending = state.at;
  }

  get isFlat(): boolean {
    return this.layers.length === 0;
  }

  get chainLength(): number {
    return Math.max(0, this.layers.length - 1);
  }

  get owner(): DiskOwner | null {
    return this.folder.readHead(this.line)?.owner ?? null;
  }

  attach(stack: LayerStack): void {
    this.stack = stack;
  }

  files(): DiskFiles {
    return { base: this.base, layers: this.layers };
  }

  prepare(): NewLayer | null {
    this.ensureWritable();
    this.ensureFolder();
    if (this.isFlat && this.clones()) return null;
    return new NewLayer(this.folder, this.capacity);
  }

  freeze(prepared: PreparedLayer | null): FrozenPoint {
    this.ensureWritable();
    this.ensureFolder();
    this.sync();
    const clone = this.isFlat && prepared === null ? this.freezeClone() : null;
    if (clone !== null) return clone;
    const layer = prepared instanceof NewLayer ? prepared : new NewLayer(this.folder, this.capacity);
    try {
      return this.freezeBelow(layer);
    } catch (error) {
      layer.discard();
      throw error;
    }
  }

  undoFreeze({ base, layers }: FrozenPoint): void {
    if (base.file !== IMAGE && layers.length === 0 && this.isFlat) {
      this.folder.update(this.line, (head) => ({ ...this.known(head), known: null }));
      this.dropUnpinned();
      tidy(this.folder);
      return;
    }
    const frozen = this.layers.at(-2)?.fd ?? this.image;
    const { chain, mode } = this.known(this.folder.readHead(this.line));
    const head = changingMode(frozen, chain.length === 0 ? mode : WRITABLE_MODE, () =>
      this.folder.update(this.line, (old) => this.withoutTop(old)),
    );
    this.stack?.pop();
    closeAll(this.layers.splice(-1).map(({ fd }) => fd));
    // Another reader of the image keeps the lock shared, which still lets no writer in.
    if (head.top === null && !lockFile(this.image, 'exclusive')) lockFile(this.image, 'shared');
    tidy(this.folder);
  }

  adopt(): Stray | null {
    const { pending, folder } = this;
    if (pending === null) return null;
    this.ensureWritable();
    const { stray } = adoptPoint(folder, this.line, pending, this.image, this.capacity);
    this.pending = null;
    if (pending.clone !== null) {
      // The clone is the image now: its descriptor is the one to lock.
      closeSync(this.image);
      this.image = this.base;
    } else if (this.line === null) {
      lockFile(this.image, 'shared');
    }
    tidy(folder);
    return stray;
  }

  setOwner({ id, path }: DiskOwner): void {
    this.ensureWritable();
    this.ensureFolder();
    this.sync();
    this.folder.update(this.line, (head) => {
      const old = this.known(head);
      this.folder.laySpare(this.line, { ...old, owner: null, generation: old.generation + 2 });
      return { ...old, owner: { id, path, written: this.writtenFile(old) } };
    });
  }

  present(): FrozenPoint {
    const [frozen, top] = [this.layers.slice(0, -1), this.layers.at(-1)];
    const head = this.folder.readHead(this.line);
    if (top === undefined) return { base: { file: IMAGE, identity: identityOf(this.base) }, layers: [] };
    const base = { file: head?.base ?? IMAGE, identity: head?.identity ?? identityOf(this.base) };
    const layers = frozen.map((layer) => ({ file: layer.name, identity: identityOf(layer.fd) }));
    return { base, layers: [...layers, { file: top.name, identity: identityOf(top.fd) }] };
  }

  clearOwner(): void {
    if (this.owner === null) return;
    this.folder.updateOrSpare(this.line, (head) => ({ ...this.known(head), owner: null }));
  }

  pin(snapshot: DiskOwner, point: FrozenPoint): void {
    this.folder.exclusively(() => writePin(this.folder, snapshot, point, false));
    this.dropUnpinned();
  }

  startMerge(): DiskJob | null {
    if (this.readOnly || this.pending !== null) return null;
    return mergeLayers(this.folder, this.line, this.capacity, this.layers.slice(0, -1), (first, count, merged) => {
      const replaced = this.layers.splice(first, count, merged);
      this.stack?.replace(first, count, merged);
      closeAll(replaced.map(({ fd }) => fd));
    });
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const file = this.pending?.clone ?? (this.pending?.top ? layerName(this.pending.top) : null);
    if (file !== null) removeTree(this.folder.path(file));
    const optional = [this.lock, this.unpinned].flatMap((fd) => fd ?? []);
    closeAll([this.image, this.base, ...this.layers.map(({ fd }) => fd), ...optional]);
  }

  /** By HEAD, which does not know yet of a point that is only shown. */
  private writtenFile({ top }: Head): Head['identity'] & object {
    const path = this.folder.path(top === null ? IMAGE : layerName(top));
    return identityOf(this.folder.attempt(() => statSync(path, { bigint: true })));
  }

  private freezeClone(): FrozenPoint | null {
    if (!this.clones()) return null;
    const clone = cloneFile(this.folder, IMAGE, FROZEN_MODE);
    if (clone === null) return null;
    this.dropUnpinned();
    this.unpinned = clone.fd;
    const known = { file: clone.name, identity: identityOf(this.image) };
    this.folder.update(this.line, (head) => ({ ...this.known(head), known }));
    return { base: { file: clone.name, identity: identityOf(clone.fd) }, layers: [] };
  }

  private freezeBelow(layer: NewLayer): FrozenPoint {
    const { folder } = this;
    const wasFlat = this.isFlat;
    const frozen = this.layers.at(-1)?.fd ?? this.image;
    const identity = identityOf(frozen);
    const mode = fstatSync(frozen).mode & 0o777;
    const head = changingMode(frozen, FROZEN_MODE | (mode & 0o444), () => {
      this.stack?.push(layer.handle);
      try {
        return folder.update(this.line, (old) => this.above(old, identity, layer.id, mode));
      } catch (error) {
        this.stack?.pop(); // nothing is written meanwhile, and this cannot fail
        throw error;
      }
    });
    this.layers.push(layer.use());
    if (wasFlat) lockFile(this.image, 'shared');
    return { base: { file: head.base, identity: head.identity ?? identity }, layers: head.chain };
  }

  /** Whoever waited for what was on top has it in a frozen point now. */
  private above(old: Head | null, identity: Head['identity'], top: string, mode: number): Head {
    const head = { ...this.known(old), owner: null };
    if (head.top === null) return { ...head, bytes: this.capacity, identity, mode, top, known: null };
    const frozen = { file: layerName(head.top), identity: identity ?? identityOf(this.image) };
    return { ...head, chain: [...head.chain, frozen], top };
  }

  private withoutTop(old: Head | null): Head {
    const head = this.known(old);
    const last = head.chain.at(-1);
    if (last === undefined) return { ...head, top: null, identity: null };
    return { ...head, chain: head.chain.slice(0, -1), top: last.file.slice('layer-'.length) };
  }

  private known(head: Head | null): Head {
    return head ?? flatHead(this.capacity, fstatSync(this.image).mode & 0o777);
  }

  private sync(): void {
    if (this.stack !== null) this.stack.flush();
    else fsyncSync(this.layers.at(-1)?.fd ?? this.base);
  }

  /** A flat image has no folder, and so no lock of a line, before it is needed first. */
  private ensureFolder(): void {
    if (this.lock !== null) return;
    this.folder.make();
    const lock = this.folder.openLineLock(this.line);
    if (lock === null || !lockFile(lock, 'exclusive')) {
      if (lock !== null) closeSync(lock);
      throw this.folder.error('in use by another VM');
    }
    this.lock = lock;
  }

  private ensureWritable(): void {
    if (this.readOnly) throw this.folder.error('it is open for reading only');
  }

  /** Tried out once, on a small file. */
  private clones(): boolean {
    if (this.canClone === null) {
      const clone = cloneFile(this.folder, 'mutex', FROZEN_MODE);
      this.canClone = clone !== null;
      if (clone !== null) {
        rmSync(this.folder.path(clone.name), { force: true });
        closeSync(clone.fd);
        syncFolder(this.folder.root);
      }
    }
    return this.canClone;
  }

  private dropUnpinned(): void {
    if (this.unpinned !== null) closeSync(this.unpinned);
    this.unpinned = null;
  }
}
