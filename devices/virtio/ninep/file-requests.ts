// SPDX-License-Identifier: BSD-2-Clause
/** Requests that open files and work on open ones. */
import { on, type Row } from './answer.js';
import type { Qid } from './codec.js';
import { READ_OVERHEAD, T } from './messages.js';
import { Errno, found, granted, refuse } from './ninep-error.js';
import { childOf } from './paths.js';
import { mayWrite, OpenFlag, qidOf, type Session } from './session.js';

/** The rest is about the guest's own descriptor (O_DIRECT, O_NONBLOCK, O_CLOEXEC...) or done by other requests. */
const { ACCESS, APPEND, DATA_SYNC, EXCLUSIVE, FOLDER, SYNC, TRUNCATE } = OpenFlag;
const LASTING_FLAGS = ACCESS | APPEND | DATA_SYNC | FOLDER | SYNC;
/** A client takes as much at once as fits into a message. */
const NO_UNIT = 0;
const LOCK_SUCCESS = 0;
const UNLOCKED = 2;

export const fileRequests: readonly Row[] = [
  on(T.lopen, (session, { fid, flags }) => {
    const { fids } = session;
    const path = fids.pathOf(fid);
    return { qid: open(session, fid, path, flags & (LASTING_FLAGS | TRUNCATE)), unit: NO_UNIT };
  }),
  on(T.lcreate, (session, { fid, name, flags, mode }) => {
    const { fids } = session;
    const folder = fids.pathOf(fid);
    const path = childOf(folder, name);
    session.changing();
    session.mustBeClosed(fid);
    fids.move(fid, path);
    try {
      return { qid: create(session, fid, path, flags, mode), unit: NO_UNIT };
    } catch (error) {
      fids.move(fid, folder);
      throw error;
    }
  }),
  on(T.readdir, (session, { fid, offset, count }) => {
    const handle = session.handleOf(fid);
    const list = (): Uint8Array => found(session.backend.list(handle, session.fids.pathOf(fid) === ''));
    return { data: session.listings.read(fid, offset, readable(session, count), list) };
  }),
  on(T.fsync, (session, { fid, onlyData }) => {
    granted(session.backend.sync(session.handleOf(fid), onlyData !== 0));
    return {};
  }),
  // A guest keeps the locks of its own programs itself. Others, on the host or in other guests, do not see them.
  on(T.lock, ({ fids }, { fid }) => {
    fids.pathOf(fid);
    return { status: LOCK_SUCCESS };
  }),
  on(T.getlock, ({ fids }, { fid, start, length, process, client }) => {
    fids.pathOf(fid);
    return { type: UNLOCKED, start, length, process, client };
  }),
  on(T.read, (session, { fid, offset, count }) => {
    const bytes = new Uint8Array(readable(session, count));
    return { data: bytes.subarray(0, granted(session.backend.read(session.handleOf(fid), offset, bytes))) };
  }),
  on(T.write, (session, { fid, offset, data }) => {
    session.mustBeWritable();
    return { count: granted(session.backend.write(session.handleOf(fid), offset, data)) };
  }),
];

function readable({ msize }: Session, count: number): number {
  return Math.min(count, msize() - READ_OVERHEAD);
}

function open(session: Session, fid: number, path: string, flags: number): Qid {
  const { fids, backend } = session;
  if ((flags & ACCESS) === ACCESS) refuse('EINVAL');
  if (mayWrite(flags)) session.mustBeWritable();
  session.mustBeClosed(fid);
  fids.checkRoomToOpen();
  return qidOf(fids.opened(fid, granted(backend.open(path, flags)), flags & LASTING_FLAGS));
}

function create(session: Session, fid: number, path: string, flags: number, mode: number): Qid {
  const { fids, backend } = session;
  const lasting = flags & LASTING_FLAGS & ~FOLDER;
  if ((flags & ACCESS) === ACCESS) refuse('EINVAL');
  fids.checkRoomToOpen();
  const handle = backend.create(path, lasting, mode);
  const wasThere = handle === -Errno.EEXIST && (flags & EXCLUSIVE) === 0;
  if (wasThere) return open(session, fid, path, lasting | (flags & TRUNCATE));
  return qidOf(fids.opened(fid, granted(handle), lasting));
}
