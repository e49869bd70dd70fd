// SPDX-License-Identifier: BSD-2-Clause
/** A file of CBOR values, each behind its length and its CRC-32: what breaks off is readable up to there. */
import { closeSync, constants, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { type CborValue, decode, encode } from '../../core/cbor.js';
import { systemReason } from '../../host/host-error.js';
import { InputError } from './input-error.js';

const MAGIC = new TextEncoder().encode('tsbhyve inputs 1\n');
const HEAD_BYTES = 8;
const MOST_BYTES = 64 * 1024 * 1024;
const LIMITS = { bytes: MOST_BYTES, depth: 8, items: 1_000_000 };
/** So much is collected before it is written. */
const BATCH_BYTES = 256 * 1024;

export class RecordWriter {
  private readonly fd: number;
  private batch: Uint8Array[] = [MAGIC];
  private batchBytes = 0;

  constructor(readonly path: string) {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    try {
      this.fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600); // what is typed may be secret
    } catch (cause) {
      throw new InputError(path, `cannot make it: ${systemReason(cause)}`, { cause });
    }
  }

  append(value: CborValue): void {
    const body = encode(value);
    const head = new DataView(new ArrayBuffer(HEAD_BYTES));
    head.setUint32(0, body.length, true);
    head.setUint32(4, crc32(body), true);
    this.batch.push(new Uint8Array(head.buffer), body);
    this.batchBytes += body.length;
    if (this.batchBytes > BATCH_BYTES) this.write();
  }

  /** Hands everything to the system. */
  write(): void {
    if (this.batch.length === 0) return;
    const bytes = Buffer.concat(this.batch);
    this.batch = [];
    this.batchBytes = 0;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.fd, bytes, done);
    } catch (cause) {
      throw new InputError(this.path, `cannot write: ${systemReason(cause)}`, { cause });
    }
  }

  /** On stable storage when this returns. */
  close(): void {
    try {
      this.write();
      fsyncSync(this.fd);
    } finally {
      closeSync(this.fd);
    }
  }
}

export class RecordReader {
  private readonly fd: number;
  private position = 0;

  constructor(readonly path: string) {
    try {
      this.fd = openSync(path, constants.O_RDONLY);
    } catch (cause) {
      throw new InputError(path, `cannot read it: ${systemReason(cause)}`, { cause });
    }
    const magic = this.read(MAGIC.length);
    if (magic === null || Buffer.compare(magic, MAGIC) !== 0) {
      this.close();
      throw new InputError(path, 'not a recording of inputs of version 1');
    }
  }

  /** Null where the file ends or breaks off. */
  next(): CborValue | null {
    const head = this.read(HEAD_BYTES);
    if (head === null) return null;
    const [length, sum] = [head.readUInt32LE(0), head.readUInt32LE(4)];
    if (length > MOST_BYTES) throw this.damage(`a record of ${length} bytes, at most ${MOST_BYTES} are accepted`);
    const body = this.read(length);
    if (body === null) return null;
    if (crc32(body) !== sum) throw this.damage('a record that is not what was written');
    try {
      return decode(body, LIMITS);
    } catch (cause) {
      throw new InputError(this.path, (cause as Error).message, { cause });
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  private damage(problem: string): InputError {
    return new InputError(this.path, `damaged before byte ${this.position}: ${problem}`);
  }

  /** All of these bytes, or null if there are fewer. */
  private read(length: number): Buffer | null {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.fd, bytes, done, length - done, this.position);
      if (count === 0) return null;
      done += count;
      this.position += count;
    }
    return bytes;
  }
}
