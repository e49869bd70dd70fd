// SPDX-License-Identifier: BSD-2-Clause
/** The few calls on files of the C library that Node does not offer. */
import koffi from 'koffi';

const LIBRARY = process.platform === 'freebsd' ? 'libc.so.7' : 'libc.so.6';
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

type Call = (...given: number[]) => number;
const calls = new Map<string, Call>();

/** Looked up at first use: most machines need neither. */
function libc(declaration: string): Call {
  const known = calls.get(declaration);
  if (known !== undefined) return known;
  const call = koffi.load(LIBRARY).func(declaration) as unknown as Call; // declared in the text
  calls.set(declaration, call);
  return call;
}

export const canPunchHoles = process.platform === 'linux';

/** A lock for as long as the file is open, for one writer or several readers. False if somebody else's forbids it. */
export function lockFile(fd: number, forWriting: boolean): boolean {
  return libc('int flock(int fd, int operation)')(fd, (forWriting ? LOCK_EX : LOCK_SH) | LOCK_NB) === 0;
}

/** As `lockFile` for one writer, as soon as nobody else has the file locked. */
export function waitForLock(fd: number): void {
  const flock = libc('int flock(int fd, int operation)');
  while (flock(fd, LOCK_EX) !== 0) {
    // EINTR: signals are the main thread's to answer
  }
}
