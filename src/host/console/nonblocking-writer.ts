// SPDX-License-Identifier: BSD-2-Clause
import { writeSync } from 'node:fs';
import { Writable } from 'node:stream';

const BACKLOG = 64 * 1024;
const RETRY_MS = 5;

/** Writes to a non-blocking descriptor that Node has no stream for, and tries again while it is full. */
export class NonblockingWriter extends Writable {
  private retry: NodeJS.Timeout | undefined;

  constructor(private readonly fd: number) {
    super({ highWaterMark: BACKLOG });
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    let rest = chunk;
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.fd, rest));
      done();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        done(error as Error);
        return;
      }
      this.retry = setTimeout(() => this._write(rest, encoding, done), RETRY_MS);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.retry);
    done(error);
  }
}
