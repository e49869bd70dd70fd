// SPDX-License-Identifier: BSD-2-Clause
/** Saved states of every kind and version that there has ever been (`npm run golden`) can be loaded, now and later. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CborMap, decode, encode } from '../../src/core/cbor.js';
import type { StateLock } from '../../src/core/state-lock.js';
import { type Fields, StateShape } from '../../src/core/state-shape.js';
import { shapes } from '../../src/machine/state-registry.js';

const FOLDER = join(__dirname, '../golden');
const lock: StateLock = JSON.parse(readFileSync(join(__dirname, '../../docs/state/lock.json'), 'utf8'));
const locked = Object.entries(lock).flatMap(([kind, versions]) =>
  Object.keys(versions).map((version) => [kind, Number(version)] as const),
);
const saved = (kind: string, version: number): Buffer => readFileSync(join(FOLDER, `${kind}.v${version}.cbor`));

function shapeOf(kind: string): StateShape<Fields> {
  const shape = shapes.find((candidate) => candidate.kind === kind);
  if (!(shape instanceof StateShape)) throw new Error(`${kind} is in the lock, but no shape has this kind`);
  return shape;
}

test('there is one of every locked kind and version, and no other (after a change: npm run golden)', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(locked.map(([kind, version]) => `${kind}.v${version}.cbor`).sort());
});

test.each(locked)('%s version %d', (kind, version) => {
  const shape = shapeOf(kind);
  const bytes = saved(kind, version);
  const again = shape.save(shape.load(decode(bytes)));
  if (version === shape.version) {
    expect(Buffer.from(encode(again)).equals(bytes)).toBe(true);
  } else {
    expect(again.version).toBe(shape.version);
    expect(shape.save(shape.load(again))).toEqual(again);
  }
});

test.each(locked)('%s version %d differs from a first state', (kind, version) => {
  const shape = shapeOf(kind);
  const { fields } = decode(saved(kind, version)) as { fields: CborMap }; // the test above loads it
  const first = shape.save(shape.initial());
  if (Object.keys(first.fields).length > 0) expect(fields).not.toEqual(first.fields);
});
