// SPDX-License-Identifier: BSD-2-Clause
/** Gives back a part of a file, which then reads as zeros: the call of the C library that Node does not offer. */
import koffi from 'koffi';

const FALLOC_FL_KEEP_SIZE = 0x01;
const FALLOC_FL_PUNCH_HOLE = 0x02;

type Fallocate = (fd: number, mode: number, offset: number, length: number) => number;
let fallocate: Fallocate | undefined;

export const canPunchHoles = process.platform === 'linux';

/** False if the file system cannot do that. */
export function punchHole(fd: number, offset: number, length: number): boolean {
  fallocate ??= koffi
    .load('libc.so.6')
    .func('int fallocate(int fd, int mode, int64_t offset, int64_t length)') as unknown as Fallocate; // declared in the text
  return fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, length) === 0;
}
