// SPDX-License-Identifier: BSD-2-Clause
/**
 * Little-endian reads from a file supplied by the user. Such a file is hostile input: every read is
 * checked against its length, and a failure names the file and the field.
 */
import { hex } from '../core/bits.js';
import { BootError } from './boot-error.js';

export class ImageReader {
  private readonly view: DataView;

  constructor(
    readonly name: string,
    readonly bytes: Uint8Array,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(offset: number, what: string): number {
    return this.view.getUint8(this.check(offset, 1, what));
  }

  u16(offset: number, what: string): number {
    return this.view.getUint16(this.check(offset, 2, what), true);
  }

  u32(offset: number, what: string): number {
    return this.view.getUint32(this.check(offset, 4, what), true);
  }

  /** A 64-bit file offset, size or physical address; none of these may exceed 2^53-1. */
  u64(offset: number, what: string): number {
    const value = this.view.getBigUint64(this.check(offset, 8, what), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new BootError(this.name, `${what} is 0x${value.toString(16)}, at most 0x1fffffffffffff is accepted`);
    }
    return Number(value);
  }

  slice(offset: number, length: number, what: string): Uint8Array {
    const start = this.check(offset, length, what);
    return this.bytes.subarray(start, start + length);
  }

  private check(offset: number, length: number, what: string): number {
    if (!Number.isSafeInteger(offset + length) || offset < 0 || length < 0 || offset + length > this.bytes.length) {
      throw new BootError(
        this.name,
        `${what} needs ${length} bytes at offset ${hex(offset)}, but the file has ${this.bytes.length} bytes`,
      );
    }
    return offset;
  }
}
