// SPDX-License-Identifier: BSD-2-Clause
/** The few terminal calls of the C library that Node does not offer. */
import { constants } from 'node:fs';
import koffi from 'koffi';
import { HostError } from '../host-error.js';

const LIBRARY = process.platform === 'freebsd' ? 'libc.so.7' : 'libc.so.6';
const { O_NOCTTY, O_NONBLOCK, O_RDWR } = constants;
const F_SETFL = 4;
const TCSANOW = 0;
/** More than sizeof(struct termios) anywhere; its content is never looked at here. */
const TERMIOS_ROOM = 256;

export interface Pty {
  /** Non-blocking. */
  readonly master: number;
  /** Path of the terminal on the other side. */
  readonly path: string;
}

export function openPtyMaster(): Pty {
  const libc = koffi.load(LIBRARY);
  const master: number = libc.func('int posix_openpt(int flags)')(O_RDWR | O_NOCTTY);
  if (master < 0) throw new HostError('pty', 'the system has no free pseudo-terminal');
  libc.func('int fcntl(int fd, int command, ...)')(master, F_SETFL, 'int', O_RDWR | O_NONBLOCK);
  libc.func('int grantpt(int fd)')(master);
  libc.func('int unlockpt(int fd)')(master);
  const path: string | null = libc.func('const char *ptsname(int fd)')(master);
  if (path === null) throw new HostError('pty', 'the new pseudo-terminal has no name');
  return { master, path };
}

/** No echo, no line editing, no signals: the guest does all of that. */
export function makeRaw(fd: number): void {
  const libc = koffi.load(LIBRARY);
  const termios = new Uint8Array(TERMIOS_ROOM);
  libc.func('int tcgetattr(int fd, void *termios)')(fd, termios);
  libc.func('void cfmakeraw(void *termios)')(termios);
  libc.func('int tcsetattr(int fd, int when, void *termios)')(fd, TCSANOW, termios);
}
