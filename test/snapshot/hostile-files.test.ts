// SPDX-License-Identifier: BSD-2-Clause
/** A snapshot is hostile input: whatever its files hold, there is a typed error or a machine, and nothing else. */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { encode } from '../../src/core/cbor.js';
import { runUntil } from '../../src/machine/run.js';
import { checkSnapshot } from '../../src/snapshot/check-snapshot.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { decodeHead, decodeManifest } from '../../src/snapshot/manifest.js';
import { decodeIndex } from '../../src/snapshot/page-index.js';
import { SnapshotError } from '../../src/snapshot/snapshot-error.js';
import { verifySnapshot } from '../../src/snapshot/verify-snapshot.js';
import { signed } from './support/forge.js';
import { fileIn, spoil, temporaryStore } from './support/temporary-store.js';
import { MS, savedTick } from './support/tick-subject.js';
import { tryHostile } from './support/try-hostile.js';

const store = temporaryStore();
const files = ['manifest.json', 'state.cbor', 'index.cbor'] as const;
const originals = new Map<string, Buffer>();

beforeAll(() => {
  savedTick(store, 'one');
  for (const file of [...files, 'ram']) originals.set(file, fileIn(store, `one/${file}`));
});

const original = (file: string): Buffer => Buffer.from(originals.get(file) ?? []);

/** Reads all of the snapshot and expects a refusal that names the file. */
function expectRefusal(file: string, bytes: Uint8Array): void {
  spoil(store, `one/${file}`, bytes);
  try {
    const read = () => verifySnapshot(store, 'one');
    expect(read).toThrow(SnapshotError);
    expect(read).toThrow(`one/${file}`);
  } finally {
    spoil(store, `one/${file}`, original(file));
  }
}

test.each(files)('every flipped bit of %s that is tried is found', (file) => {
  const length = original(file).length;
  fc.assert(
    fc.property(fc.nat({ max: length - 1 }), fc.nat({ max: 7 }), (at, bit) => {
      const bytes = original(file);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      expectRefusal(file, bytes);
    }),
    { numRuns: 150 },
  );
});

test.each([...files, 'ram'])('%s cut off anywhere is refused', (file) => {
  const length = original(file).length;
  fc.assert(
    fc.property(fc.nat({ max: length - 1 }), (end) => expectRefusal(file, original(file).subarray(0, end))),
    { numRuns: 40 },
  );
});

test('a changed byte of memory is found, also in a page that should be zero', () => {
  fc.assert(
    fc.property(fc.nat({ max: original('ram').length - 1 }), (at) => {
      const bytes = original('ram');
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      spoil(store, 'one/ram', bytes);
      const { machine, watch, trust } = loadMachine(store, 'one');
      expect(trust).toBe('own');
      expect(watch?.settle()).toMatchObject({ name: 'SnapshotError', path: 'one/ram' });
      machine.close();
    }),
    { numRuns: 15 },
  );
  spoil(store, 'one/ram', original('ram'));
});

test('decoders answer any text and any bytes with a value or a typed error', () => {
  const typed = (decode: () => unknown): void => {
    try {
      decode();
    } catch (error) {
      expect(error).toBeInstanceOf(SnapshotError);
    }
  };
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        typed(() => decodeHead(bytes, 'x'));
        typed(() => decodeManifest(bytes, 'x'));
        typed(() => decodeIndex(bytes, 512, 'x'));
      },
    ),
    { numRuns: 500 },
  );
});

test('a manifest with any value of a wrong kind is refused, even with a right digest', () => {
  const document: unknown = JSON.parse(original('manifest.json').toString());
  const places = pathsOf(document).filter(([first]) => first === 'body');
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.constantFrom(...WRONG), (place, wrong) => {
      const changed = replaced(document, place, wrong);
      const bytes = Buffer.from(signed(changed));
      if (bytes.equals(Buffer.from(signed(document)))) return;
      spoil(store, 'one/manifest.json', bytes);
      checkSnapshot(store, 'one');
      try {
        loadMachine(store, 'one', { trust: 'foreign' }).machine.close();
      } catch (error) {
        expect(error).toBeInstanceOf(SnapshotError);
      }
    }),
    { numRuns: 60 },
  );
  spoil(store, 'one/manifest.json', original('manifest.json'));
});

const WRONG = [null, -1, 1.5, 1e300, 2 ** 53, 4096, 2 ** 40, '', 'x', '99999999999999999999', true, [], {}, [[]], [0]];

test('an index whose sets do not fit is refused', () => {
  const sets = (present: Uint8Array | null, stored: Uint8Array) => () =>
    decodeIndex(encode({ present, stored }), 12, 'i');
  const bytes = (...values: number[]) => Uint8Array.from(values);
  expect(sets(null, bytes(1))).toThrow('i: stored: expected 2 bytes, got 1 bytes');
  expect(sets(null, bytes(0, 0x10))).toThrow('i: stored: has pages beyond the end of memory');
  expect(sets(bytes(1, 0), bytes(2, 0))).toThrow('i: stored: has pages that are not present');
  expect(sets(bytes(3, 0), bytes(2, 0))()).toEqual({ present: bytes(3, 0), stored: bytes(2, 0) });
  expect(() => decodeIndex(encode({ present: null, stored: bytes(0, 0), more: 1 }), 12, 'i')).toThrow(SnapshotError);
});

test('a head of another format says who wrote it', () => {
  const text = JSON.stringify({ format: 7, producer: 'tsbhyve 9.0', digest: '', body: { anything: [1.5] } });
  expect(decodeHead(Buffer.from(text), 'm')).toMatchObject({ format: 7, producer: 'tsbhyve 9.0' });
  expect(() => decodeManifest(Buffer.from(text), 'm')).toThrow('written by tsbhyve 9.0 in format 7; expected 1');
  expect(() => decodeManifest(Buffer.from(text.replace('7', '0')), 'm')).toThrow(
    'in format 0, which was never final: only the release that wrote it reads it; expected 1',
  );
});

test('a manifest of brackets is refused', () => {
  const deep = `{"format":1,"producer":"p","digest":"","body":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  expect(() => decodeManifest(Buffer.from(deep), 'm')).toThrow(SnapshotError);
  const inner = `{"format":1,"producer":"p","digest":"","body":{"a":${'['.repeat(5000)}${']'.repeat(5000)}}}`;
  expect(() => decodeManifest(Buffer.from(inner), 'm')).toThrow(SnapshotError);
});

test('what a stranger wrote cannot drive a terminal', () => {
  const text = JSON.stringify({ format: 7, producer: '\u001b[2J\n\u009bevil', digest: '', body: {} });
  expect(() => decodeManifest(Buffer.from(text), 'm')).toThrow(
    /^m: format: written by \\u\{1b\}\[2J\\u\{a\}\\u\{9b\}evil/,
  );
});

test.each(['link', 'pipe', 'folder'])('a %s in place of a file is refused', (kind) => {
  const other = temporaryStore();
  savedTick(other, 'one');
  const path = join(other.root, 'one/state.cbor');
  rmSync(path);
  if (kind === 'link') symlinkSync('/dev/zero', path);
  if (kind === 'pipe') spawnSync('mkfifo', [path]);
  if (kind === 'folder') mkdirSync(path);
  expect(() => loadMachine(other, 'one')).toThrow('one/state.cbor');
});

test('a memory file that is overwritten while a machine runs from it cannot harm more than the machine', () => {
  const other = temporaryStore();
  savedTick(other, 'one');
  const { machine, watch } = loadMachine(other, 'one');
  expect(watch?.settle()).toBeNull();
  spoil(other, 'one/ram', new Uint8Array(original('ram').length).fill(0xa5));
  machine.resume();
  runUntil(machine, MS + 1000n);
  machine.close();
});

// In a process of its own, as a crash would end it. Needs the built checkout.
test.each(['fields', 'devices', 'vcpu', 'all'])(
  'states with spoiled %s and right digests',
  (kind) => {
    const outcomes = tryHostile(kind, 1, 60);
    expect(outcomes.ran).toBeGreaterThan(0);
    expect(outcomes.refused).toBeGreaterThan(0);
  },
  300_000,
);

test('a memory file that is truncated while a machine runs from it is an error of the machine alone', () => {
  const other = temporaryStore();
  savedTick(other, 'one');
  const { machine, watch } = loadMachine(other, 'one');
  expect(watch?.settle()).toBeNull();
  const path = join(other.root, 'one/ram');
  chmodSync(path, 0o600);
  truncateSync(path, 0);
  machine.resume();
  runUntil(machine, MS + 1000n);
  expect(watch?.poll()?.message).toBe('one/ram: was truncated while a machine ran from it');
  machine.close();
});

function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], wrong: unknown): unknown {
  if (key === undefined) return wrong;
  if (Array.isArray(value))
    return value.map((inner, at) => (String(at) === key ? replaced(inner, rest, wrong) : inner));
  return { ...(value as object), [key]: replaced((value as Record<string, unknown>)[key], rest, wrong) };
}
