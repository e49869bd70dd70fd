// SPDX-License-Identifier: BSD-2-Clause
/** Requests about the conversation itself and about the way through the tree. */
import { on, type Row } from './answer.js';
import type { Qid } from './codec.js';
import { T, UNKNOWN_VERSION, VERSION } from './messages.js';
import { found, NinepError, refuse } from './ninep-error.js';
import { childOf, parentOf } from './paths.js';
import { isFolder, qidOf, type Session } from './session.js';

const SMALLEST_MSIZE = 4096;
/** What fits into a queue of pages. */
export const MOST_MSIZE = 512 * 1024;

export const treeRequests: readonly Row[] = [
  on(T.version, (session, { msize, version }) => {
    session.fids.clear();
    session.listings.clear();
    session.setMsize(0);
    if (msize < SMALLEST_MSIZE) refuse('EMSGSIZE');
    const agreed = Math.min(msize, MOST_MSIZE);
    if (version !== VERSION) return { msize: agreed, version: UNKNOWN_VERSION };
    session.setMsize(agreed);
    return { msize: agreed, version };
  }),
  on(T.auth, () => refuse('EOPNOTSUPP')),
  on(T.attach, ({ fids, backend }, { fid, tree }) => {
    if (tree !== '' && tree !== '/') refuse('ENOENT');
    const root = found(backend.stat(''));
    fids.add(fid, '');
    return { qid: qidOf(root) };
  }),
  // Every request is answered before the next one is read, so there is nothing left to be flushed.
  on(T.flush, () => ({})),
  on(T.walk, (session, { fid, newFid, names }) => {
    const { fids } = session;
    if (newFid === fid) session.mustBeClosed(fid);
    else if (fids.has(newFid)) refuse('EBADF');
    const { path, qids } = walk(session, fids.pathOf(fid), names);
    if (qids.length === names.length) {
      if (newFid === fid) fids.move(fid, path);
      else fids.add(newFid, path);
    }
    return { qids };
  }),
  on(T.clunk, (session, { fid }) => {
    forget(session, fid);
    return {};
  }),
  on(T.remove, (session, { fid }) => {
    const { fids, backend } = session;
    const path = fids.pathOf(fid);
    try {
      session.changing();
      const error = backend.remove(path, isFolder(found(backend.stat(path))));
      if (error < 0) throw new NinepError(-error);
    } finally {
      forget(session, fid); // whether or not that went well (9P2000, remove(5))
    }
    return {};
  }),
];

function forget({ fids, listings }: Session, fid: number): void {
  fids.remove(fid);
  listings.forget(fid);
}

/** 9P2000, walk(5): as far as the names are there; an error only if the first one is not. */
function walk(session: Session, from: string, names: readonly string[]): { path: string; qids: Qid[] } {
  let path = from;
  const qids: Qid[] = [];
  for (const name of names) {
    try {
      const next = name === '..' ? parentOf(path) : childOf(path, name);
      qids.push(qidOf(found(session.backend.stat(next))));
      path = next;
    } catch (error) {
      if (qids.length === 0 || !(error instanceof NinepError)) throw error;
      break;
    }
  }
  return { path, qids };
}
