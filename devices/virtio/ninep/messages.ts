// SPDX-License-Identifier: BSD-2-Clause
/**
 * The messages of 9P2000.L, in the order of their numbers; an answer has the number behind its request.
 * Reference: 9P2000.L, the protocol description of diod; 9P2000, section 5 of the Plan 9 manual.
 */
import { byte, data, few, int, long, qid, type Struct, short, text } from './codec.js';

export interface Message<Q extends Struct, R extends Struct> {
  readonly type: number;
  readonly request: Q;
  readonly reply: R;
}

function message<Q extends Struct, R extends Struct>(type: number, request: Q, reply: R): Message<Q, R> {
  return { type, request, reply };
}

const lock = { type: byte, start: long, length: long, process: int, client: text } as const;

export const T = {
  statfs: message(
    8,
    { fid: int },
    {
      type: int,
      blockSize: int,
      blocks: long,
      free: long,
      available: long,
      files: long,
      freeFiles: long,
      id: long,
      nameLength: int,
    },
  ),
  lopen: message(12, { fid: int, flags: int }, { qid, unit: int }),
  lcreate: message(14, { fid: int, name: text, flags: int, mode: int, gid: int }, { qid, unit: int }),
  symlink: message(16, { fid: int, name: text, target: text, gid: int }, { qid }),
  mknod: message(18, { fid: int, name: text, mode: int, major: int, minor: int, gid: int }, { qid }),
  rename: message(20, { fid: int, folder: int, name: text }, {}),
  readlink: message(22, { fid: int }, { target: text }),
  getattr: message(
    24,
    { fid: int, mask: long },
    {
      valid: long,
      qid,
      mode: int,
      uid: int,
      gid: int,
      links: long,
      device: long,
      size: long,
      blockSize: long,
      blocks: long,
      accessSeconds: long,
      accessNanoseconds: long,
      modifySeconds: long,
      modifyNanoseconds: long,
      changeSeconds: long,
      changeNanoseconds: long,
      birthSeconds: long,
      birthNanoseconds: long,
      generation: long,
      dataVersion: long,
    },
  ),
  setattr: message(
    26,
    {
      fid: int,
      valid: int,
      mode: int,
      uid: int,
      gid: int,
      size: long,
      accessSeconds: long,
      accessNanoseconds: long,
      modifySeconds: long,
      modifyNanoseconds: long,
    },
    {},
  ),
  xattrwalk: message(30, { fid: int, newFid: int, name: text }, { size: long }),
  xattrcreate: message(32, { fid: int, name: text, size: long, flags: int }, {}),
  readdir: message(40, { fid: int, offset: long, count: int }, { data }),
  fsync: message(50, { fid: int, onlyData: int }, {}),
  lock: message(
    52,
    { fid: int, type: byte, flags: int, start: long, length: long, process: int, client: text },
    { status: byte },
  ),
  getlock: message(54, { fid: int, ...lock }, lock),
  link: message(70, { folder: int, fid: int, name: text }, {}),
  mkdir: message(72, { folder: int, name: text, mode: int, gid: int }, { qid }),
  renameat: message(74, { oldFolder: int, oldName: text, newFolder: int, newName: text }, {}),
  unlinkat: message(76, { folder: int, name: text, flags: int }, {}),
  version: message(100, { msize: int, version: text }, { msize: int, version: text }),
  auth: message(102, { fid: int, user: text, tree: text, uid: int }, { qid }),
  attach: message(104, { fid: int, authFid: int, user: text, tree: text, uid: int }, { qid }),
  flush: message(108, { oldTag: short }, {}),
  walk: message(110, { fid: int, newFid: int, names: few(text) }, { qids: few(qid) }),
  read: message(116, { fid: int, offset: long, count: int }, { data }),
  write: message(118, { fid: int, offset: long, data }, { count: int }),
  clunk: message(120, { fid: int }, {}),
  remove: message(122, { fid: int }, {}),
} as const;

export const RLERROR = 7;
/** Length, type and tag. */
export const HEADER = 7;
/** Around the bytes of a read: the header and their number. */
export const READ_OVERHEAD = HEADER + 4;
export const VERSION = '9P2000.L';
export const UNKNOWN_VERSION = 'unknown';
