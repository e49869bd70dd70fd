// SPDX-License-Identifier: BSD-2-Clause
import { CborError } from '../core/cbor.js';
import { printable } from '../core/printable.js';
import { StateError } from '../core/state-error.js';

/** A snapshot that cannot be made, read or used. `path` names the part, as in `nightly/manifest.json: body.ram`. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';

  constructor(
    readonly path: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(printable(`${path}: ${problem}`), options);
  }
}

/** Runs `read` and turns every fault that its input can cause into a `SnapshotError` about `path`. */
export function refusing<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw snapshotError(path, cause);
  }
}

export function snapshotError(path: string, cause: unknown): SnapshotError {
  if (cause instanceof SnapshotError) return cause;
  if (cause instanceof StateError) return new SnapshotError(`${path}: ${cause.path}`, cause.problem, { cause });
  if (cause instanceof CborError) return new SnapshotError(path, cause.message, { cause });
  // Errors of the addon and of Node may come from another realm, so they are told by what they have.
  const { message } = Object(cause) as { message?: unknown };
  return new SnapshotError(path, typeof message === 'string' ? message : String(cause), { cause });
}
