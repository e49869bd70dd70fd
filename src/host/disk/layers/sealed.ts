// SPDX-License-Identifier: BSD-2-Clause
/** Small documents that know whether they are whole: a format number, the digest of the text, and a declared body. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type CborMap, type CborValue, isMap } from '../../../core/cbor.js';
import { printable } from '../../../core/printable.js';
import { got, StateError } from '../../../core/state-error.js';
import type { Fields, StateOf } from '../../../core/state-fields.js';
import type { StateShape } from '../../../core/state-shape.js';
import { HostError, systemReason } from '../../host-error.js';

const BYTES_MAX = 4 * 1024 * 1024;

export function encodeSealed<F extends Fields>(shape: StateShape<F>, values: StateOf<F>): Uint8Array {
  const { fields } = shape.save(values);
  return new TextEncoder().encode(layout(shape.version, digestOf(layout(shape.version, '', fields)), fields));
}

/** Throws a `HostError` about `path` for whatever is wrong with the bytes. */
export function decodeSealed<F extends Fields>(shape: StateShape<F>, bytes: Uint8Array, path: string): StateOf<F> {
  try {
    return decode(shape, bytes);
  } catch (cause) {
    const problem = cause instanceof StateError ? `${cause.path}: ${cause.problem}` : String(Object(cause).message);
    throw new HostError(`disk ${path}`, printable(problem), { cause });
  }
}

/** Null if there is no such file. */
export function readSealed<F extends Fields>(shape: StateShape<F>, path: string): StateOf<F> | null {
  const bytes = readBounded(path);
  return bytes === null ? null : decodeSealed(shape, bytes, path);
}

function decode<F extends Fields>(shape: StateShape<F>, bytes: Uint8Array): StateOf<F> {
  const document: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  if (!isMap(document as CborValue)) throw new StateError(shape.kind, `expected a map, got ${got(document)}`);
  const { format, digest, body = null } = document as CborMap;
  if (format !== shape.version) throw new StateError('format', `expected ${shape.version}, got ${got(format)}`);
  if (typeof digest !== 'string' || !isMap(body)) throw new StateError('body', `expected a map, got ${got(body)}`);
  // Written anew it must be the same text: no other spelling, no second member of one name, nothing left out.
  if (layout(format, digest, body) !== new TextDecoder().decode(bytes)) {
    throw new StateError('format', 'not written as such a file is');
  }
  if (digestOf(layout(format, '', body)) !== digest) throw new StateError('digest', 'it does not match its digest');
  return shape.load({ kind: shape.kind, version: shape.version, fields: body }, 'body');
}

function readBounded(path: string): Uint8Array | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (Object(cause).code === 'ENOENT') return null;
    throw new HostError(`disk ${path}`, `cannot read it: ${systemReason(cause)}`, { cause });
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new HostError(`disk ${path}`, 'expected a regular file');
    if (stats.size > BYTES_MAX) {
      throw new HostError(`disk ${path}`, `expected at most ${BYTES_MAX} bytes, got ${stats.size}`);
    }
    const bytes = new Uint8Array(stats.size);
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(fd, bytes, done, bytes.length - done, done);
      if (count === 0) throw new HostError(`disk ${path}`, `it ends at byte ${done} of ${bytes.length}`);
      done += count;
    }
    return bytes;
  } finally {
    closeSync(fd);
  }
}

function layout(format: number, digest: string, body: CborMap): string {
  return `${JSON.stringify({ format, digest, body }, null, 1)}\n`;
}

function digestOf(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
