// SPDX-License-Identifier: BSD-2-Clause
/** What the requests of one guest work on: its fids, and the folder behind them. */
import type { Qid } from './codec.js';
import type { Fids } from './fids.js';
import type { FileAttributes, FolderBackend, Handle } from './folder-backend.js';
import { Listings } from './listings.js';
import { found, refuse } from './ninep-error.js';

export interface FolderRules {
  readonly readOnly: boolean;
  /** Under the virtual clock: nothing is said that differs from run to run although the folder is the same. */
  readonly isRepeatable: boolean;
}

/** Flags of Tlopen and Tlcreate: Linux's, in its numbers for x86. */
export const OpenFlag = {
  ACCESS: 0o3,
  WRITE_ONLY: 0o1,
  READ_WRITE: 0o2,
  EXCLUSIVE: 0o200,
  TRUNCATE: 0o1000,
  APPEND: 0o2000,
  DATA_SYNC: 0o10000,
  FOLDER: 0o200000,
  SYNC: 0o4000000,
} as const;

const QID_FOLDER = 0x80;
const QID_LINK = 0x02;
const FORMAT = 0o170000;
const FOLDER = 0o040000;
const LINK = 0o120000;
const REGULAR = 0o100000;

export class Session {
  readonly listings = new Listings();

  constructor(
    readonly fids: Fids,
    readonly backend: FolderBackend,
    readonly rules: FolderRules,
    /** Bytes of the longest message; 0 before the guest has said how it speaks. */
    readonly msize: () => number,
    readonly setMsize: (msize: number) => void,
  ) {}

  attributesOf(fid: number): FileAttributes {
    const { fids, backend } = this;
    // What is open can still be asked after its name has gone.
    if (fids.openOf(fid) !== undefined) return found(backend.statFile(this.handleOf(fid)));
    return found(backend.stat(fids.pathOf(fid)));
  }

  handleOf(fid: number): Handle {
    const open = this.fids.openOf(fid);
    // A snapshot may be resumed with a share that is read-only now.
    if (open !== undefined && mayWrite(open.flags)) this.mustBeWritable();
    return this.fids.handleOf(fid);
  }

  mustBeClosed(fid: number): void {
    if (this.fids.openOf(fid) !== undefined) refuse('EINVAL');
  }

  mustBeWritable(): void {
    if (this.rules.readOnly) refuse('EROFS');
  }

  /** Before anything that changes names. */
  changing(): void {
    this.mustBeWritable();
    this.listings.clear();
  }
}

export function mayWrite(flags: number): boolean {
  return (flags & (OpenFlag.ACCESS | OpenFlag.TRUNCATE)) !== 0;
}

export function isFolder({ mode }: FileAttributes): boolean {
  return (mode & FORMAT) === FOLDER;
}

export function isRegularMode(mode: number): boolean {
  return (mode & FORMAT) === REGULAR || (mode & FORMAT) === 0;
}

/** The version changes with the content, so that a guest notices when its cache is old. */
export function qidOf(attributes: FileAttributes): Qid {
  const { mode, modified, size, file } = attributes;
  const type = (mode & FORMAT) === FOLDER ? QID_FOLDER : (mode & FORMAT) === LINK ? QID_LINK : 0;
  const version = Number(BigInt.asUintN(32, modified.seconds ^ (modified.nanoseconds << 2n) ^ (size << 8n)));
  return { type, version, path: file };
}
