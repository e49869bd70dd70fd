// SPDX-License-Identifier: BSD-2-Clause
import { type CborValue, isMap } from '../core/cbor.js';
import { got } from '../core/state-error.js';

export interface Difference {
  /** As `showSnapshot` names it. */
  readonly path: string;
  readonly saved: string;
  readonly restored: string;
}

/** Members that only say how a saved state is built. */
const TRANSPARENT = ['devices', 'fields'];

/** The first field in which two saved machines differ, or null. */
export function firstDifference(saved: CborValue, restored: CborValue, path = ''): Difference | null {
  if (saved instanceof Uint8Array && restored instanceof Uint8Array) return differingByte(saved, restored, path);
  const [before, after] = [membersOf(saved), membersOf(restored)];
  if (before === null || after === null) {
    return saved === restored ? null : { path, saved: got(saved), restored: got(restored) };
  }
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const within = Array.isArray(saved) ? `${path}[${name}]` : pathWithin(path, name);
    const [was, is] = [before.get(name), after.get(name)];
    if (was === undefined || is === undefined) return { path: within, saved: textOf(was), restored: textOf(is) };
    const found = firstDifference(was, is, within);
    if (found !== null) return found;
  }
  return null;
}

function differingByte(saved: Uint8Array, restored: Uint8Array, path: string): Difference | null {
  if (saved.length !== restored.length) return { path, saved: got(saved), restored: got(restored) };
  const at = saved.findIndex((byte, index) => byte !== restored[index]);
  return at < 0 ? null : { path: `${path}[${at}]`, saved: String(saved[at]), restored: String(restored[at]) };
}

function membersOf(value: CborValue): Map<string, CborValue> | null {
  if (Array.isArray(value)) return new Map(value.map((item, index) => [String(index), item]));
  return isMap(value) ? new Map(Object.entries(value)) : null;
}

function pathWithin(path: string, name: string): string {
  if (TRANSPARENT.includes(name)) return path;
  return path === '' ? name : `${path}.${name}`;
}

function textOf(value: CborValue | undefined): string {
  return value === undefined ? 'nothing' : got(value);
}
