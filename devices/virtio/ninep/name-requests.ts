// SPDX-License-Identifier: BSD-2-Clause
/** Requests that make names, change them, and take them away. */
import { on, type Row } from './answer.js';
import type { Qid } from './codec.js';
import { T } from './messages.js';
import { found, granted, refuse } from './ninep-error.js';
import { childOf } from './paths.js';
import { isRegularMode, OpenFlag, qidOf, type Session } from './session.js';

const REMOVE_FOLDER = 0x200;
const PERMISSIONS = 0o7777;

export const nameRequests: readonly Row[] = [
  on(T.symlink, (session, { fid, name, target }) => {
    if (target === '' || target.includes('\0')) refuse('EINVAL');
    return { qid: make(session, fid, name, (path) => session.backend.symlink(path, target)) };
  }),
  // Neither devices nor ways to other programs of the host; files are made this way by file systems on top of this one.
  on(T.mknod, (session, { fid, name, mode }) => {
    const { backend } = session;
    session.mustBeWritable();
    if (!isRegularMode(mode)) refuse('EPERM');
    return {
      qid: make(session, fid, name, (path) => {
        const handle = backend.create(path, OpenFlag.WRITE_ONLY, mode & PERMISSIONS);
        if (handle >= 0) backend.closeFile(handle);
        return handle;
      }),
    };
  }),
  on(T.mkdir, (session, { folder, name, mode }) => ({
    qid: make(session, folder, name, (path) => session.backend.makeFolder(path, mode & PERMISSIONS)),
  })),
  on(T.link, (session, { folder, fid, name }) => {
    const from = session.fids.pathOf(fid);
    make(session, folder, name, (path) => session.backend.link(from, path));
    return {};
  }),
  on(T.rename, (session, { fid, folder, name }) => {
    const { fids } = session;
    rename(session, fids.pathOf(fid), childOf(fids.pathOf(folder), name));
    return {};
  }),
  on(T.renameat, (session, { oldFolder, oldName, newFolder, newName }) => {
    const { fids } = session;
    rename(session, childOf(fids.pathOf(oldFolder), oldName), childOf(fids.pathOf(newFolder), newName));
    return {};
  }),
  on(T.unlinkat, (session, { folder, name, flags }) => {
    const path = childOf(session.fids.pathOf(folder), name);
    if (flags !== 0 && flags !== REMOVE_FOLDER) refuse('EINVAL');
    session.changing();
    granted(session.backend.remove(path, flags === REMOVE_FOLDER));
    return {};
  }),
  on(T.readlink, (session, { fid }) => ({ target: found(session.backend.readLink(session.fids.pathOf(fid))) })),
];

function make(session: Session, folder: number, name: string, work: (path: string) => number): Qid {
  const path = childOf(session.fids.pathOf(folder), name);
  session.changing();
  granted(work(path));
  return qidOf(found(session.backend.stat(path)));
}

function rename(session: Session, from: string, to: string): void {
  session.changing();
  session.fids.checkRename(from, to);
  granted(session.backend.rename(from, to));
  session.fids.renamed(from, to);
}
