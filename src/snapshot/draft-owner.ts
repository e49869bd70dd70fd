// SPDX-License-Identifier: BSD-2-Clause
/** Whose unfinished folder it is, by its name: a process id alone comes back, with its start time it does not. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

const DRAFT = /^\.draft-([0-9]{1,10})-([0-9]{1,20})-[0-9a-f]{16}$/;
const GONE = /^\.gone-[0-9a-f]{16}$/;
/** proc_pid_stat(5): start time in clock ticks since boot; the first two fields end with the last parenthesis. */
const START_TIME_FIELD = 22;

export function draftName(): string {
  return `.draft-${process.pid}-${startTime(process.pid) ?? '0'}-${randomBytes(8).toString('hex')}`;
}

/** Of a snapshot that was removed: its files may go at any time. */
export function goneName(): string {
  return `.gone-${randomBytes(8).toString('hex')}`;
}

export function isGone(name: string): boolean {
  return GONE.test(name);
}

/** Somebody may be at it. */
export function isLiveDraft(name: string): boolean {
  return DRAFT.test(name) && !isOrphan(name);
}

/** True for a draft whose process has ended for certain. */
export function isOrphan(name: string): boolean {
  const [, pid, start] = DRAFT.exec(name) ?? [];
  if (pid === undefined || start === undefined) return false;
  const running = startTime(Number(pid));
  if (running !== undefined) return running !== start && start !== '0';
  return !answers(Number(pid));
}

function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME_FIELD - 3];
  } catch {
    return undefined; // gone, or a host without /proc
  }
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
