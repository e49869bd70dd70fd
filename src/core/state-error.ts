// SPDX-License-Identifier: BSD-2-Clause

/** A saved or live state that breaks its declaration; `path` names the value, as in `com1.rx`. */
export class StateError extends Error {
  override readonly name = 'StateError';

  constructor(
    readonly path: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${problem}`, options);
  }

  /** The same problem, seen from an enclosing object. */
  within(outer: string): StateError {
    return new StateError(joinPath(outer, this.path), this.problem, { cause: this });
  }
}

export function joinPath(outer: string, inner: string): string {
  if (outer === '' || inner === '') return outer + inner;
  return inner.startsWith('[') ? outer + inner : `${outer}.${inner}`;
}

/** What an error message says about a value that was refused. */
export function got(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'string')
    return value.length > 40 ? `a text of ${value.length} characters` : JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return typeof value === 'object' ? 'a map' : typeof value;
}
