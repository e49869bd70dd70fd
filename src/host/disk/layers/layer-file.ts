// SPDX-License-Identifier: BSD-2-Clause
/**
 * Makes the file of an empty layer; native/disk/layer_file.cc reads it. A header of 4 KiB, a bitmap with a bit for each
 * block that the layer has, and the blocks, each at its own place; all but the header is one hole.
 */
import { fsyncSync, ftruncateSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

const BLOCK = 4096;
const PAGE = 4096;
const BLOCKS_OF_PAGE = PAGE * 8;
const VERSION = 1;
/** 16 TiB: a bitmap in memory takes 512 MiB then. */
export const LARGEST_DISK = 2 ** 44;

const CHECKSUM_AT = PAGE - 4;

/** Where the first block lies. */
export function dataOffset(diskBytes: number): number {
  return PAGE + Math.ceil(Math.ceil(diskBytes / BLOCK) / BLOCKS_OF_PAGE) * PAGE;
}

/** Into a new file. On stable storage when this returns, its name apart. */
export function writeEmptyLayer(fd: number, id: string, diskBytes: number): void {
  const header = Buffer.alloc(PAGE);
  header.write('TSBLAYER', 'latin1');
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(BLOCK, 12);
  header.writeBigUInt64LE(BigInt(diskBytes), 16);
  header.set(Buffer.from(id, 'hex'), 24);
  header.writeUInt32LE(crc32(header.subarray(0, CHECKSUM_AT)), CHECKSUM_AT);
  for (let done = 0; done < PAGE; ) done += writeSync(fd, header, done, PAGE - done, done);
  ftruncateSync(fd, dataOffset(diskBytes) + Math.ceil(diskBytes / BLOCK) * BLOCK);
  fsyncSync(fd);
}
