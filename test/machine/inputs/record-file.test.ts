// SPDX-License-Identifier: BSD-2-Clause
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordReader, RecordWriter } from '../../../src/machine/inputs/record-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (): string => join(folder, 'inputs');

function write(values: readonly Uint8Array[]): void {
  const writer = new RecordWriter(file());
  for (const value of values) writer.append(value);
  writer.close();
}

function read(): unknown[] {
  const reader = new RecordReader(file());
  const values: unknown[] = [];
  for (let value = reader.next(); value !== null; value = reader.next()) values.push(value);
  reader.close();
  return values;
}

const values = [Uint8Array.of(1, 2, 3), new Uint8Array(300_000).fill(7), Uint8Array.of()];

test('what was written is read', () => {
  write(values);
  expect(read()).toEqual(values.map((value) => Uint8Array.from(value)));
});

test('a file that breaks off anywhere is read up to there', () => {
  write(values.slice(0, 1));
  const { length } = readFileSync(file());
  for (let left = length - 1; left >= 17; left -= 1) {
    truncateSync(file(), left);
    expect(read()).toEqual([]);
  }
  truncateSync(file(), 16);
  expect(read).toThrow('not a recording');
});

test('a length that no record has is refused before anything is read', () => {
  write([]);
  appendFileSync(file(), Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
  expect(read).toThrow('a record of 4294967295 bytes, at most 67108864 are accepted');
});
