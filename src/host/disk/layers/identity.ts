// SPDX-License-Identifier: BSD-2-Clause
import { type BigIntStats, fstatSync } from 'node:fs';
import { count, decimal, hexText, text } from '../../../core/json-fields.js';
import { list, record } from '../../../core/state-fields.js';
import type { FileIdentity, FrozenFile, FrozenPoint } from './api.js';

/** The image itself, where a file of its folder could stand. */
export const IMAGE = 'image';
/** Of one point or line; merging keeps them few. */
export const LAYERS_MAX = 1024;

export const fileIdentity = record({
  bytes: count({ unit: 'bytes' }),
  changed: decimal({ unit: 'ns', doc: 'when its content was last written, since 1970' }),
  inode: decimal(),
  device: decimal({ doc: 'told and not compared' }),
});

export const fileName = text({
  max: 64,
  initial: IMAGE,
  pattern: /^(image|(base|layer)-[0-9a-f]{32})$/,
  expected: 'image, base- or layer- and 32 hex digits',
});

export const frozenFile = record({ file: fileName, identity: fileIdentity });

/** A frozen point within a shape. */
export const frozenPoint = record({ base: frozenFile, layers: list(frozenFile, { max: LAYERS_MAX }) });

export const ownerId = hexText(16, { doc: 'id of the snapshot' });

export function identityOf(file: number | BigIntStats): FileIdentity {
  const stats = typeof file === 'number' ? fstatSync(file, { bigint: true }) : file;
  return { bytes: Number(stats.size), changed: stats.mtimeNs, inode: stats.ino, device: stats.dev };
}

/** What is different, in words; null if nothing that counts is. */
export function difference(found: FileIdentity, expected: FileIdentity): string | null {
  if (found.bytes !== expected.bytes) return `it has ${found.bytes} bytes instead of ${expected.bytes}`;
  if (found.changed !== expected.changed) return `it was written to at ${date(found)} instead of ${date(expected)}`;
  if (found.inode !== expected.inode) return `it is another file (inode ${found.inode} instead of ${expected.inode})`;
  return null;
}

export function samePoint(one: FrozenPoint, other: FrozenPoint): boolean {
  const names = ({ base, layers }: FrozenPoint): string => [base, ...layers].map(({ file }) => file).join();
  return names(one) === names(other);
}

/** Of the same files, and none of them was changed. */
export function isUnchanged(found: FrozenPoint, expected: FrozenPoint): boolean {
  if (!samePoint(found, expected)) return false;
  const now = filesOf(found);
  return filesOf(expected).every(({ identity }, index) => {
    const file = now[index];
    return file !== undefined && difference(file.identity, identity) === null;
  });
}

export function filesOf({ base, layers }: FrozenPoint): readonly FrozenFile[] {
  return [base, ...layers];
}

function date({ changed }: FileIdentity): string {
  const milliseconds = Number(changed / 1_000_000n);
  const rest = String(changed % 1_000_000_000n).padStart(9, '0');
  return Math.abs(milliseconds) > 8.64e15
    ? `${changed} ns`
    : `${new Date(milliseconds).toISOString().slice(0, 19)}.${rest}Z`;
}
