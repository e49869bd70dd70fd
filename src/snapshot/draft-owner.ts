// SPDX-License-Identifier: BSD-2-Clause
/** Whose unfinished folder it is, by its name. */
import { randomBytes } from 'node:crypto';
import { hasEnded, thisProcess } from '../host/process-life.js';

const DRAFT = /^\.draft-([0-9]{1,10})-([0-9]{1,20})-[0-9a-f]{16}$/;
const GONE = /^\.gone-[0-9a-f]{16}$/;

export function draftName(): string {
  const { pid, start } = thisProcess();
  return `.draft-${pid}-${start}-${randomBytes(8).toString('hex')}`;
}

/** Of a snapshot that was removed: its files may go at any time. */
export function goneName(): string {
  return `.gone-${randomBytes(8).toString('hex')}`;
}

export function isGone(name: string): boolean {
  return GONE.test(name);
}

/** True for a draft whose process has ended for certain. */
export function isOrphan(name: string): boolean {
  const [, pid, start] = DRAFT.exec(name) ?? [];
  if (pid === undefined || start === undefined) return false;
  return hasEnded({ pid: Number(pid), start });
}
