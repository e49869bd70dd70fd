// SPDX-License-Identifier: BSD-2-Clause
import type { FieldDescription, ShapeDescription } from './fields/field.js';

/**
 * What every version of every kind of saved state looked like: kind, then version, then field path, then a line that
 * says type and legal values. A version that is in the lock never changes again; a change needs a new version.
 */
export type StateLock = Record<string, Record<string, Record<string, string>>>;

/** All that decides whether a saved state can be read; documents, units, first values and reset rules do not. */
export function fingerprint(shape: ShapeDescription): Record<string, string> {
  const lines: Record<string, string> = {};
  addLines(lines, '', shape.fields);
  return Object.fromEntries(Object.entries(lines).sort(byName));
}

/** The problems of the current shapes against the lock; none means that every saved state keeps its meaning. */
export function compareWithLock(shapes: readonly ShapeDescription[], lock: StateLock): string[] {
  const all = withNested(shapes);
  const problems = [...all].flatMap(([kind, variants]) => [
    ...(variants.length > 1 ? [`${kind}: ${variants.length} different shapes have this kind`] : []),
    ...variants.flatMap((shape) => compareShape(shape, lock[kind] ?? {})),
  ]);
  for (const kind of Object.keys(lock)) {
    if (!all.has(kind)) problems.push(`${kind}: locked, but no shape has this kind any more`);
  }
  return problems;
}

/** The lock with new kinds and versions added. What was locked before stays as it was. */
export function extendLock(shapes: readonly ShapeDescription[], lock: StateLock): StateLock {
  const extended: StateLock = structuredClone(lock);
  for (const shape of [...withNested(shapes).values()].flat()) {
    const versions = extended[shape.kind] ?? {};
    versions[shape.version] ??= fingerprint(shape);
    extended[shape.kind] = versions;
  }
  return Object.fromEntries(Object.entries(extended).sort(byName));
}

/** All shapes by kind, nested ones included: they have versions of their own. Equal ones count once. */
function withNested(shapes: readonly ShapeDescription[]): Map<string, ShapeDescription[]> {
  const found = new Map<string, ShapeDescription[]>();
  const add = (shape: ShapeDescription): void => {
    const variants = found.get(shape.kind) ?? [];
    found.set(shape.kind, variants);
    const same = (other: ShapeDescription): boolean =>
      other.version === shape.version && JSON.stringify(fingerprint(other)) === JSON.stringify(fingerprint(shape));
    if (!variants.some(same)) variants.push(shape);
    for (const field of Object.values(shape.fields)) addInside(field);
  };
  const addInside = (field: FieldDescription): void => {
    if (field.shape !== undefined) add(field.shape);
    if (field.element !== undefined) addInside(field.element);
    for (const part of Object.values(field.fields ?? {})) addInside(part);
  };
  for (const shape of shapes) add(shape);
  return found;
}

function compareShape(shape: ShapeDescription, versions: Record<string, Record<string, string>>): string[] {
  const { kind, version } = shape;
  const newest = Math.max(0, ...Object.keys(versions).map(Number));
  if (version < newest) return [`${kind}: version ${version} is older than the locked version ${newest}`];
  const problems: string[] = [];
  for (const old of Object.keys(versions).map(Number)) {
    if (old < shape.oldest) problems.push(`${kind}: version ${old} is locked, but there is no upgrade from it`);
  }
  const locked = versions[version];
  if (locked === undefined) return [...problems, `${kind}: version ${version} is not in the lock yet`];
  const current = fingerprint(shape);
  for (const path of new Set([...Object.keys(locked), ...Object.keys(current)])) {
    const [before, now] = [locked[path] ?? 'absent', current[path] ?? 'absent'];
    if (before !== now) {
      problems.push(`${kind} version ${version}: ${path} changed from "${before}" to "${now}": raise the version`);
    }
  }
  return problems;
}

function addLines(
  lines: Record<string, string>,
  prefix: string,
  fields: Readonly<Record<string, FieldDescription>>,
): void {
  for (const [name, field] of Object.entries(fields)) addField(lines, prefix + name, field);
}

function addField(lines: Record<string, string>, path: string, field: FieldDescription): void {
  lines[path] = signature(field);
  if (field.element !== undefined) addField(lines, `${path}[]`, field.element);
  if (field.fields !== undefined) addLines(lines, `${path}.`, field.fields);
}

function signature(field: FieldDescription): string {
  const words = [field.type];
  if (field.shape !== undefined) words.push(field.shape.kind);
  if (field.min !== undefined) words.push(`${field.min}..${field.max}`);
  if (field.mask !== undefined) words.push(`mask ${field.mask}`);
  if (field.length !== undefined) words.push(`length ${field.length}`);
  if (field.maxLength !== undefined) words.push(`at most ${field.maxLength}`);
  if (field.values !== undefined) words.push(field.values.join('|'));
  return words.join(' ');
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
