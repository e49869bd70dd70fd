// SPDX-License-Identifier: BSD-2-Clause
/**
 * Fids: the numbers by which a guest knows files, each with a path, and some of them open. All that is state; open files of
 * the host behind them are not, and a restored device opens them again when they are next used.
 */
import { StateError } from '../../../src/core/state-error.js';
import { byteText, list, record, u32, u64 } from '../../../src/core/state-fields.js';
import type { FileAttributes, FolderBackend, Handle } from './folder-backend.js';
import { NinepError, refuse } from './ninep-error.js';
import { isPath, LONGEST_PATH, movedPath } from './paths.js';

/** Linux keeps one for every name that it has cached. */
const MOST_FIDS = 65536;
/** Bytes of all paths together. */
const MOST_PATH_BYTES = 8 * 1024 * 1024;
/** Each is an open file of this process. */
const MOST_OPEN = 1024;

const fidField = record({ fid: u32(), path: byteText({ max: LONGEST_PATH, doc: 'from the shared folder on' }) });
const openField = record({
  fid: u32(),
  flags: u32({ doc: 'of Tlopen, to open the file again' }),
  file: u64({ doc: 'number of the file that was opened' }),
  born: u64({ doc: 'when that file was made' }),
});
/** What stands for no fid at all. */
const NO_FID = 0xffffffff;
type Fid = ReturnType<typeof fidField.initial>;
export type OpenFid = ReturnType<typeof openField.initial>;

export const fidFields = {
  fids: list(fidField, { max: MOST_FIDS }),
  open: list(openField, { max: MOST_OPEN, doc: 'which of them are open' }),
};

export interface FidState {
  fids: Fid[];
  open: OpenFid[];
}

export function checkFids({ fids, open }: FidState): void {
  const known = new Set<number>();
  let bytes = 0;
  for (const [index, { fid, path }] of fids.entries()) {
    if (known.has(fid)) throw new StateError(`fids[${index}].fid`, `${fid} is there twice`);
    if (!isPath(path)) throw new StateError(`fids[${index}].path`, 'expected names with single slashes between them');
    known.add(fid);
    bytes += path.length;
  }
  if (bytes > MOST_PATH_BYTES) throw new StateError('fids', `expected paths of at most ${MOST_PATH_BYTES} bytes`);
  for (const [index, { fid }] of open.entries()) {
    if (!known.delete(fid)) throw new StateError(`open[${index}].fid`, `${fid} is no fid, or there twice`);
  }
}

export class Fids {
  /** Where each fid is in the list; made anew when there is another list. */
  private readonly places = new Map<number, number>();
  private readonly handles = new Map<number, Handle>();
  private indexed: readonly Fid[] | null = null;
  private pathBytes = 0;
  private looks = 0;

  constructor(
    private readonly stateOf: () => FidState,
    private readonly backend: FolderBackend,
  ) {}

  /** How often a rename has looked at a fid, ever: whoever answers requests counts that as work. */
  get looked(): number {
    return this.looks;
  }

  pathOf(fid: number): string {
    const path = this.find(fid)?.path;
    return path ?? refuse('EBADF');
  }

  has(fid: number): boolean {
    return this.find(fid) !== undefined;
  }

  add(fid: number, path: string): void {
    const { fids } = this.state;
    if (fid === NO_FID || this.has(fid)) refuse('EBADF');
    if (fids.length >= MOST_FIDS) refuse('ENFILE');
    if (this.pathBytes + path.length > MOST_PATH_BYTES) refuse('ENOMEM');
    this.places.set(fid, fids.length);
    fids.push({ fid, path });
    this.pathBytes += path.length;
  }

  /** The fid stands for another file from now on. */
  move(fid: number, path: string): void {
    const entry = this.find(fid) ?? refuse('EBADF');
    const bytes = this.pathBytes + path.length - entry.path.length;
    if (bytes > MOST_PATH_BYTES) refuse('ENOMEM');
    entry.path = path;
    this.pathBytes = bytes;
  }

  remove(fid: number): void {
    const place = this.find(fid) === undefined ? refuse('EBADF') : (this.places.get(fid) ?? 0);
    this.shut(fid);
    const { fids } = this.state;
    this.pathBytes -= fids[place]?.path.length ?? 0;
    this.places.delete(fid);
    const last = fids.pop();
    if (last === undefined || last.fid === fid) return;
    fids[place] = last;
    this.places.set(last.fid, place);
  }

  clear(): void {
    this.closeHandles();
    this.state.fids = [];
    this.state.open = [];
  }

  /** Refuses a rename after which some paths would be too long. */
  checkRename(from: string, to: string): void {
    let growth = 0;
    this.looks += this.state.fids.length;
    for (const { path } of this.state.fids) {
      const moved = movedPath(path, from, to);
      if (moved === null) continue;
      if (moved.length > LONGEST_PATH) refuse('ENAMETOOLONG');
      growth += moved.length - path.length;
    }
    if (this.bytes() + growth > MOST_PATH_BYTES) refuse('ENOMEM');
  }

  /** Something has another name, and so has everything below it. */
  renamed(from: string, to: string): void {
    this.index();
    this.looks += this.state.fids.length;
    for (const entry of this.state.fids) {
      const moved = movedPath(entry.path, from, to);
      if (moved === null) continue;
      this.pathBytes += moved.length - entry.path.length;
      entry.path = moved;
    }
  }

  openOf(fid: number): OpenFid | undefined {
    return this.state.open.find((open) => open.fid === fid);
  }

  checkRoomToOpen(): void {
    if (this.state.open.length >= MOST_OPEN) refuse('EMFILE');
  }

  /** `flags` as they are for opening the file a second time. */
  opened(fid: number, handle: Handle, flags: number): FileAttributes {
    const attributes = this.backend.statFile(handle);
    if (typeof attributes === 'number') {
      this.backend.closeFile(handle);
      throw new NinepError(-attributes);
    }
    this.handles.set(fid, handle);
    this.state.open.push({ fid, flags, file: attributes.file, born: attributes.born });
    return attributes;
  }

  handleOf(fid: number): Handle {
    const path = this.pathOf(fid);
    const open = this.openOf(fid) ?? refuse('EBADF');
    const handle = this.handles.get(fid) ?? this.openAgain(path, open);
    this.handles.set(fid, handle);
    return handle;
  }

  /** Files of the host are closed; which fids are open stays known. */
  closeHandles(): void {
    for (const handle of this.handles.values()) this.backend.closeFile(handle);
    this.handles.clear();
  }

  private openAgain(path: string, open: OpenFid): Handle {
    const handle = this.backend.open(path, open.flags);
    if (handle < 0) refuse('ESTALE');
    const attributes = this.backend.statFile(handle);
    if (typeof attributes === 'object' && attributes.file === open.file && attributes.born === open.born) return handle;
    this.backend.closeFile(handle);
    return refuse('ESTALE');
  }

  private shut(fid: number): void {
    const handle = this.handles.get(fid);
    if (handle !== undefined) this.backend.closeFile(handle);
    this.handles.delete(fid);
    const { state } = this;
    const place = state.open.findIndex((open) => open.fid === fid);
    if (place >= 0) state.open.splice(place, 1);
  }

  private get state(): FidState {
    return this.stateOf();
  }

  private find(fid: number): Fid | undefined {
    this.index();
    const place = this.places.get(fid);
    return place === undefined ? undefined : this.state.fids[place];
  }

  private bytes(): number {
    this.index();
    return this.pathBytes;
  }

  private index(): void {
    const { fids } = this.state;
    if (this.indexed === fids) return;
    this.places.clear();
    for (const [place, { fid }] of fids.entries()) this.places.set(fid, place);
    this.pathBytes = fids.reduce((total, { path }) => total + path.length, 0);
    this.indexed = fids;
  }
}
