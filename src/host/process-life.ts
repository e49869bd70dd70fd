// SPDX-License-Identifier: BSD-2-Clause
/** Which process made something, and whether it has ended: a process id alone comes back, with its start time it does not. */
import { readFileSync } from 'node:fs';

/** proc_pid_stat(5): start time in clock ticks since boot; the first two fields end with the last parenthesis. */
const START_TIME_FIELD = 22;

export interface ProcessStamp {
  readonly pid: number;
  /** '0' on a host that does not tell. */
  readonly start: string;
}

export function thisProcess(): ProcessStamp {
  return { pid: process.pid, start: startTime(process.pid) ?? '0' };
}

/** True only if the process has ended for certain. */
export function hasEnded({ pid, start }: ProcessStamp): boolean {
  const running = startTime(pid);
  if (running !== undefined) return running !== start && start !== '0';
  return !answers(pid);
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
