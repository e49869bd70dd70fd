// SPDX-License-Identifier: BSD-2-Clause
/** Requests about what a file is. Extended attributes are not modelled: a guest is told that there are none. */
import { on, type Row } from './answer.js';
import type { Values } from './codec.js';
import type { FileAttributes, FolderSpace, NewTime } from './folder-backend.js';
import { T } from './messages.js';
import { found, granted, refuse } from './ninep-error.js';
import { qidOf, type Session } from './session.js';

/** Everything from the mode to the blocks; not the time of birth, nor generation and version of the data. */
const BASIC = 0x7ffn;
const Change = {
  MODE: 0x001,
  UID: 0x002,
  GID: 0x004,
  SIZE: 0x008,
  ATIME: 0x010,
  MTIME: 0x020,
  ATIME_SET: 0x080,
  MTIME_SET: 0x100,
} as const;
/** Linux's number for file systems that come over 9P. */
const V9FS_MAGIC = 0x01021997;
/** For a machine whose runs must not differ: how full a disk of the host is changes all the time. */
const NO_SPACE_KNOWN: FolderSpace = {
  blockSize: 4096,
  blocks: 0n,
  free: 0n,
  available: 0n,
  files: 0n,
  freeFiles: 0n,
  nameLength: 255,
};

export const attributeRequests: readonly Row[] = [
  on(T.statfs, ({ fids, backend, rules }, { fid }) => {
    fids.pathOf(fid);
    return { ...(rules.isRepeatable ? NO_SPACE_KNOWN : found(backend.space())), type: V9FS_MAGIC, id: 0n };
  }),
  on(T.getattr, (session, { fid }) => ({ valid: BASIC, ...answer(session, session.attributesOf(fid)) })),
  on(T.setattr, (session, request) => {
    session.fids.pathOf(request.fid);
    session.mustBeWritable();
    change(session, request);
    return {};
  }),
  on(T.xattrwalk, () => refuse('EOPNOTSUPP')),
  on(T.xattrcreate, () => refuse('EOPNOTSUPP')),
];

function answer({ rules }: Session, attributes: FileAttributes): Omit<Values<typeof T.getattr.reply>, 'valid'> {
  const { mode, uid, gid, links, device, size, blockSize, blocks, modified, changed } = attributes;
  // Whether and when the host notes an access depends on much, this machine's own earlier runs among it.
  const accessed = rules.isRepeatable ? modified : attributes.accessed;
  return {
    qid: qidOf(attributes),
    ...{ mode, uid, gid, links, device, size, blockSize, blocks },
    accessSeconds: accessed.seconds,
    accessNanoseconds: accessed.nanoseconds,
    modifySeconds: modified.seconds,
    modifyNanoseconds: modified.nanoseconds,
    changeSeconds: changed.seconds,
    changeNanoseconds: changed.nanoseconds,
    birthSeconds: 0n,
    birthNanoseconds: 0n,
    generation: 0n,
    dataVersion: 0n,
  };
}

/** A new owner takes some mode bits away and a new size changes times, so those come first. */
function change(session: Session, request: Values<typeof T.setattr.request>): void {
  const { fids, backend } = session;
  const { fid, valid, mode, uid, gid, size } = request;
  const has = (bit: number): boolean => (valid & bit) !== 0;
  const path = fids.pathOf(fid);
  if (has(Change.UID | Change.GID)) {
    granted(backend.setOwner(path, has(Change.UID) ? uid : null, has(Change.GID) ? gid : null));
  }
  if (has(Change.MODE)) granted(backend.setMode(path, mode & 0o7777));
  if (has(Change.SIZE)) granted(setSize(session, fid, path, size));
  if (has(Change.ATIME | Change.MTIME)) {
    const accessed = newTime(
      has(Change.ATIME),
      has(Change.ATIME_SET),
      request.accessSeconds,
      request.accessNanoseconds,
    );
    const modified = newTime(
      has(Change.MTIME),
      has(Change.MTIME_SET),
      request.modifySeconds,
      request.modifyNanoseconds,
    );
    granted(backend.setTimes(path, accessed, modified));
  }
}

/** A file that is open for writing can be cut although its mode says otherwise by now. */
function setSize(session: Session, fid: number, path: string, size: bigint): number {
  const open = session.fids.openOf(fid);
  const isOpenForWriting = open !== undefined && (open.flags & 3) !== 0;
  return isOpenForWriting
    ? session.backend.setFileSize(session.handleOf(fid), size)
    : session.backend.setSize(path, size);
}

function newTime(isMeant: boolean, isGiven: boolean, seconds: bigint, nanoseconds: bigint): NewTime {
  if (!isMeant) return 'keep';
  return isGiven ? { seconds, nanoseconds } : 'now';
}
