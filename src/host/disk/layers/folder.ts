// SPDX-License-Identifier: BSD-2-Clause
/** `IMAGE.tsbhyve/`: where what belongs to an image lies, and who may change it. */

import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { waitForLock } from '../../../hypervisor/ram-files.js';
import { makeFolders, removeTree, syncFolder, withFile, writeNew } from '../../durable-files.js';
import { HostError, systemReason } from '../../host-error.js';
import { ignoringFailure } from '../../ignoring-failure.js';
import { type Head, headShape } from './head.js';
import { IMAGE } from './identity.js';
import { encodeSealed, readSealed } from './sealed.js';

const FOLDER_MODE = 0o700;
const LINE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const HEAD = 'HEAD';
const CLONES = 'clones';

export class LayerFolder {
  /** Without links. */
  readonly image: string;
  readonly root: string;
  private isHeld = false;

  constructor(path: string) {
    this.image = resolved(path);
    this.root = `${this.image}.tsbhyve`;
  }

  exists(): boolean {
    return existsSync(this.root);
  }

  make(): void {
    this.attempt(() => makeFolders(this.root, FOLDER_MODE));
  }

  /** Of a file as HEAD and points name it. */
  path(file: string): string {
    return file === IMAGE ? this.image : join(this.root, file);
  }

  lineFolder(line: string | null): string {
    if (line === null) return this.root;
    if (!LINE.test(line)) throw this.error(`'${line}' cannot be the name of a clone`);
    return join(this.root, CLONES, line);
  }

  /** The image's own line first. */
  lines(): (string | null)[] {
    const clones = join(this.root, CLONES);
    const names = existsSync(clones) ? readdirSync(clones).filter((name) => LINE.test(name)) : [];
    return [null, ...names.sort()].filter((line) => existsSync(join(this.lineFolder(line), HEAD)));
  }

  readHead(line: string | null): Head | null {
    return readSealed(headShape, join(this.lineFolder(line), HEAD));
  }

  /** Replaces a HEAD that may have been changed by others meanwhile. Durable on return; when it throws, the old one is there. */
  update(line: string | null, change: (head: Head | null) => Head): Head {
    return this.exclusively(() => {
      const old = this.readHead(line);
      const changed = change(old);
      const head = { ...changed, generation: (old?.generation ?? 0) + 1 };
      this.replace(join(this.lineFolder(line), HEAD), encodeSealed(headShape, head));
      return head;
    });
  }

  /** Lays aside what HEAD is going to be after the present change, for when there is no space to write it then. */
  laySpare(line: string | null, head: Head): void {
    const path = this.sparePath(line);
    this.attempt(() => {
      rmSync(path, { force: true });
      writeNew(path, encodeSealed(headShape, head));
    });
  }

  /** As `update`; if that fails, by what was laid aside for it. A rename takes no space. */
  updateOrSpare(line: string | null, change: (head: Head | null) => Head): void {
    try {
      this.update(line, change);
    } catch (error) {
      if (!this.exclusively(() => this.useSpare(line))) throw error;
    }
  }

  /** False if there is none, or another change has come in between. */
  private useSpare(line: string | null): boolean {
    const spare = readSealed(headShape, this.sparePath(line));
    if (spare === null || spare.generation !== (this.readHead(line)?.generation ?? 0) + 1) return false;
    this.attempt(() => renameSync(this.sparePath(line), join(this.lineFolder(line), HEAD)));
    return true;
  }

  private sparePath(line: string | null): string {
    return join(this.lineFolder(line), `.new-spare-${HEAD}`);
  }

  /** Puts a file in place, durably. When this throws, what was there is there again, on a full disk too. */
  replace(path: string, bytes: Uint8Array): void {
    const fresh = join(dirname(path), `.new-${basename(path)}`);
    const old = join(dirname(path), `.new-old-${basename(path)}`);
    this.attempt(() => {
      for (const left of [fresh, old]) rmSync(left, { force: true }); // of somebody who was killed
      const before = existsSync(path) ? readFileSync(path) : null;
      if (before !== null) writeFileSync(old, before, { mode: 0o600 });
      let isInPlace = false;
      try {
        writeNew(fresh, bytes);
        renameSync(fresh, path);
        isInPlace = true;
        syncFolder(dirname(path));
      } catch (error) {
        if (isInPlace) putBack(path, before === null ? null : old);
        for (const left of [fresh, old]) removeTree(left);
        throw error;
      }
      removeTree(old); // the new one counts: a failure here must not say otherwise
    });
  }

  /** Alone among all processes. Short: others wait. */
  exclusively<T>(work: () => T): T {
    if (this.isHeld) return work();
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
    const mutex = this.attempt(() => openSync(join(this.root, 'mutex'), O_RDWR | O_CREAT | O_NOFOLLOW, 0o600));
    return withFile(mutex, () => {
      waitForLock(mutex);
      this.isHeld = true;
      try {
        return work();
      } finally {
        this.isHeld = false;
      }
    });
  }

  /** The lock of a line: one writer or several readers, for as long as it is open. Readers make no file: null if there is none. */
  openLineLock(line: string | null, readOnly = false): number | null {
    const path = join(this.lineFolder(line), 'lock');
    if (readOnly) return existsSync(path) ? this.attempt(() => openSync(path, constants.O_RDONLY)) : null;
    return this.attempt(() => {
      makeFolders(this.lineFolder(line), FOLDER_MODE);
      return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    });
  }

  entries(): string[] {
    return this.attempt(() => readdirSync(this.root));
  }

  error(problem: string, options?: ErrorOptions): HostError {
    return new HostError(`disk ${this.image}`, problem, options);
  }

  attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof HostError) throw cause;
      throw this.error(`${basename(this.root)}: ${systemReason(cause)}`, { cause });
    }
  }
}

/** The name is the old file's whatever comes of the syncs, and stays so after a power cut if the host can do that. The error that led here is told. */
function putBack(path: string, old: string | null): void {
  if (old === null) {
    rmSync(path, { force: true });
  } else {
    ignoringFailure(() => withFile(openSync(old, constants.O_RDONLY), fsyncSync));
    renameSync(old, path);
  }
  ignoringFailure(() => syncFolder(dirname(path)));
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    throw new HostError(`disk ${path}`, `cannot open it: ${systemReason(cause)}`, { cause });
  }
}

/** Closes what is open of several. */
export function closeAll(fds: Iterable<number>): void {
  for (const fd of new Set(fds)) closeSync(fd);
}
