// SPDX-License-Identifier: BSD-2-Clause
/** Opens an image through its HEAD, under the locks that admit one writer. */
import { constants, fstatSync, openSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { lockFile } from '../../../hypervisor/ram-files.js';
import type { FrozenFile, FrozenPoint, LayeredDisk, OpenOptions } from './api.js';
import { clean, neededFiles } from './clean.js';
import { closeAll, LayerFolder } from './folder.js';
import { type Head, layerName } from './head.js';
import { difference, IMAGE, identityOf } from './identity.js';
import { OpenDisk, type OpenState } from './layered-disk.js';
import { checkFrozen, cloneFile, type LayerInUse, NewLayer, openShared } from './open-files.js';

const SECTOR = 512;
const IN_USE = 'in use by another VM; one may write to it, or several may read it';
/** Somebody may freeze or commit the image just while it is opened. */
const ATTEMPTS = 100;

export function openLayered(path: string, options: OpenOptions): LayeredDisk {
  const folder = new LayerFolder(path);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const opened = new Opening(folder, options).open();
    if (opened !== null) return opened;
  }
  throw folder.error('others change it all the time');
}

class Opening {
  private readonly fds: number[] = [];
  private readonly line: string | null;
  private readonly at: FrozenPoint | null;

  constructor(
    private readonly folder: LayerFolder,
    private readonly options: OpenOptions,
  ) {
    this.line = options.line ?? null;
    this.at = options.at ?? null;
  }

  /** Null if something has changed meanwhile. */
  open(): OpenDisk | null {
    try {
      const state = this.locked();
      if (state === null) {
        closeAll(this.fds);
        return null;
      }
      const kept = new Set([state.image, state.lock, state.base, ...state.layers.map(({ fd }) => fd)]);
      closeAll(this.fds.filter((fd) => !kept.has(fd)));
      return new OpenDisk(this.folder, state);
    } catch (error) {
      closeAll(this.fds);
      throw error;
    }
  }

  private locked(): OpenState | null {
    const { folder, line, at } = this;
    const { readOnly } = this.options;
    const seen = this.readHead();
    const isFlat = line === null && (seen === null || seen.top === null);
    const image = this.lockImage(isFlat, at?.base.file ?? seen?.base ?? IMAGE);
    const isLocked = folder.exists() || line !== null || at !== null || (this.options.resuming ?? null) !== null;
    const lock = isLocked ? this.lockLine() : null;
    const head = this.readHead();
    if (head?.generation !== seen?.generation || !this.isStillThere(image)) return null;
    if (lock !== null && !readOnly) {
      clean(folder);
      this.checkOwner(head, image);
    }
    const common = { line, readOnly, image, lock };
    if (at !== null) return { ...common, ...this.openPoint(at, isFlat, image) };
    if (isFlat || head === null || head.top === null) {
      return { ...common, bytes: capacityOf(folder, image), base: image, layers: [], at: null };
    }
    const base = this.openBase(head, image);
    const frozen = head.chain.map((file) => this.openLayer(file));
    const access = readOnly ? constants.O_RDONLY : constants.O_RDWR;
    const top = this.keep(openShared(folder, layerName(head.top), access));
    const layers = [...frozen, layerInUse(layerName(head.top), top)];
    return { ...common, bytes: capacityOf(folder, base), base, layers, at: null };
  }

  private readHead(): Head | null {
    const head = this.folder.readHead(this.line);
    if (head === null && this.line !== null && this.at === null) {
      throw this.folder.error(`no clone ${this.line} goes on from it`);
    }
    return head;
  }

  /** Whoever writes into the image itself has it alone; who reads it below layers shares it. */
  private lockImage(isFlat: boolean, base: string): number {
    const { folder, options } = this;
    const writes = isFlat && !options.readOnly;
    const access = writes ? constants.O_RDWR : constants.O_RDONLY;
    const image = this.keep(folder.attempt(() => openSync(folder.image, access)));
    if (this.line !== null && base !== IMAGE) return image;
    if (!lockFile(image, writes ? 'exclusive' : 'shared')) throw folder.error(IN_USE);
    return image;
  }

  private lockLine(): number | null {
    const { readOnly } = this.options;
    const found = this.folder.openLineLock(this.line, readOnly);
    if (found === null) return null;
    const lock = this.keep(found);
    if (!lockFile(lock, readOnly ? 'shared' : 'exclusive')) throw this.folder.error(IN_USE);
    return lock;
  }

  /** A restore may just have put another file in its place. */
  private isStillThere(image: number): boolean {
    const found = statSync(this.folder.image, { throwIfNoEntry: false });
    return found?.ino === fstatSync(image).ino;
  }

  private checkOwner(head: Head | null, image: number): void {
    const { folder } = this;
    const owner = head?.owner ?? null;
    const resuming = this.options.resuming ?? null;
    if (resuming !== null && owner?.id !== resuming) {
      throw folder.error('it does not belong to this suspend any more: something else has run on it since');
    }
    if (head === null || owner === null) return;
    if (resuming === null) {
      const name = basename(owner.path);
      throw folder.error(
        `it belongs to the suspend ${name}; resume that, or give it up: tsbhyve snapshot rm ${name} (it is in ${owner.path})`,
      );
    }
    const fd = head.top === null ? image : this.keep(openShared(folder, layerName(head.top)));
    const changed = difference(identityOf(fd), owner.written);
    if (changed === null || this.isReplacedAlready(head, fd)) return;
    throw folder.error(
      `it was changed after the suspend: ${changed}; if that was meant: tsbhyve disk rebase --accept ${folder.image}`,
    );
  }

  /**
   * A restore that was interrupted has put the clone of its point in the place of the image, and its journal still owns the
   * disk: going on from that point loses nothing, because the clone is what the point has.
   */
  private isReplacedAlready({ top, known }: Head, image: number): boolean {
    if (this.at === null || top !== null || known === null) return false;
    return known.file === this.at.base.file && difference(identityOf(image), known.identity) === null;
  }

  private openBase(head: Head, image: number): number {
    const { folder } = this;
    const base = head.base === IMAGE ? image : this.keep(openShared(folder, head.base));
    // While layers are written into the image it changes, and what it shows below them does not.
    if (head.identity !== null && !head.committing) {
      checkFrozen(folder, base, { file: head.base, identity: head.identity });
    }
    return base;
  }

  private openLayer(frozen: FrozenFile): LayerInUse {
    const fd = this.keep(openShared(this.folder, frozen.file));
    checkFrozen(this.folder, fd, frozen);
    return layerInUse(frozen.file, fd);
  }

  /** A frozen clone becomes the image again if nobody needs what that holds below layers; else a layer goes above the point. */
  private openPoint(
    at: FrozenPoint,
    isFlat: boolean,
    image: number,
  ): Pick<OpenState, 'bytes' | 'base' | 'layers' | 'at'> {
    const { folder } = this;
    const isImage = at.base.file === IMAGE;
    const file = isImage ? image : this.keep(openShared(folder, at.base.file));
    checkFrozen(folder, file, at.base);
    const bytes = capacityOf(folder, file); // the image may have been resized since
    const layers = at.layers.map((frozen) => this.openLayer(frozen));
    if (isFlat && !isImage && layers.length === 0 && !neededFiles(folder).has(IMAGE)) {
      const clone = cloneFile(folder, at.base.file, fstatSync(image).mode & 0o777);
      if (clone !== null) {
        this.fds.push(clone.fd);
        return { bytes, base: clone.fd, layers, at: { point: at, clone: clone.name, top: null } };
      }
    }
    const top = new NewLayer(folder, bytes);
    this.fds.push(top.handle.fd);
    return { bytes, base: file, layers: [...layers, top.use()], at: { point: at, clone: null, top: top.id } };
  }

  private keep(fd: number): number {
    this.fds.push(fd);
    return fd;
  }
}

function layerInUse(name: string, fd: number): LayerInUse {
  return { name, fd, id: Buffer.from(name.slice(name.indexOf('-') + 1), 'hex') };
}

function capacityOf(folder: LayerFolder, base: number): number {
  const stats = fstatSync(base);
  if (!stats.isFile()) throw folder.error('not a regular file, which alone can have layers');
  const capacity = stats.size - (stats.size % SECTOR);
  if (capacity === 0) throw folder.error(`${stats.size} bytes; at least ${SECTOR} are accepted`);
  return capacity;
}
