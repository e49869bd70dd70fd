// SPDX-License-Identifier: BSD-2-Clause
/** Writes docs/state/README.md: every field of every saved state, from the shapes that declare them. */
import type { FieldDescription, ShapeDescription } from '../../src/core/state-fields.js';
import { shapes } from '../../src/machine/state-registry.js';
import { diskShape } from '../../src/snapshot/disks/disk-record.js';
import { FORMAT_VERSION, manifestShape } from '../../src/snapshot/manifest.js';

type Row = readonly [path: string, type: string, legal: string, unit: string, doc: string];

export function statePage(): string {
  const parts = shapes.map((shape) => shape.describe()).sort((a, b) => (a.kind < b.kind ? -1 : 1));
  return [
    '<!-- Written by `npm run docs`: change the shapes instead. -->',
    '# What is saved',
    'Every field of every kind of saved state, as `tsbhyve snapshot show` names it. `state.cbor` has the vCPU and one of these for',
    'each device of the machine; the files are described in [0005](../decisions/0005-snapshot-format.md), and',
    '[lock.json](lock.json) keeps what each version looks like. Numbers are unsigned unless their legal values say otherwise.',
    '',
    ...parts.flatMap(section),
    '## The manifest',
    '',
    `The body of \`manifest.json\` in format ${FORMAT_VERSION}.`,
    '',
    ...table(manifestShape.describe().fields),
    '## Disks',
    '',
    'A file of the folder `disks` for each disk; see [0016](../decisions/0016-disks-in-snapshots.md).',
    '',
    ...table(diskShape.describe().fields),
  ].join('\n');
}

function section({ kind, version, oldest, doc, fields }: ShapeDescription): string[] {
  const older = oldest === version ? '' : `; versions from ${oldest} on can be loaded`;
  return [
    `## ${kind}`,
    '',
    `Version ${version}${older}.${doc === undefined ? '' : ` ${doc}`}`,
    '',
    ...(Object.keys(fields).length === 0 ? ['It has no fields.', ''] : table(fields)),
  ];
}

function table(fields: Readonly<Record<string, FieldDescription>>): string[] {
  const rows = Object.entries(fields).flatMap(([name, field]) => rowsOf(name, field));
  return [
    '| field | type | legal values | unit | what it is |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
    '',
  ];
}

function rowsOf(path: string, field: FieldDescription): Row[] {
  const { element, fields = {}, unit = '', doc = '', keepOnReset } = field;
  const words = [doc, keepOnReset === true ? 'kept on reset' : ''].filter((word) => word !== '').join('; ');
  return [
    [path, field.type, legalValues(field), unit, words],
    ...(element === undefined ? [] : rowsOf(`${path}[]`, element)),
    ...Object.entries(fields).flatMap(([name, part]) => rowsOf(`${path}.${name}`, part)),
  ];
}

function legalValues({ min, max, mask, length, maxLength, values, shape, hostRelative }: FieldDescription): string {
  const words: string[] = [];
  if (values !== undefined) words.push(values.join(', '));
  if (min !== undefined && max !== undefined) words.push(`${min} to ${max}`);
  if (mask !== undefined) words.push(`bits ${mask}`);
  if (length !== undefined) words.push(`exactly ${length}`);
  if (maxLength !== undefined) words.push(`at most ${maxLength}`);
  if (shape !== undefined) words.push(`a ${shape.kind}`);
  if (hostRelative === true) words.push('of this host');
  return words.join('; ') || '-';
}
