// SPDX-License-Identifier: BSD-2-Clause
import { FrameRecords } from '../../../src/host/net/frame-records.js';

const SKIP = 0xffff_ffff;

function put(memory: Uint8Array, at: number, length: number, mark: number): void {
  new DataView(memory.buffer).setUint32(at, length, true);
  if (length !== SKIP) memory.fill(mark, at + 4, at + 4 + length);
}

test('records are found where the ring has them, over its end as well', () => {
  const memory = new Uint8Array(64);
  put(memory, 0, 20, 1);
  put(memory, 24, 9, 2);
  put(memory, 40, SKIP, 0);
  const records = new FrameRecords(memory);
  const seen: number[][] = [];
  const take = (record: Uint8Array): boolean => {
    seen.push([record.length, record[0] ?? -1]);
    return true;
  };
  expect(records.read(64, take)).toBe(64);
  put(memory, 0, 12, 3);
  expect(records.read(16, take)).toBe(16);
  expect(records.read(0, take)).toBe(0);
  expect(seen).toEqual([
    [20, 1],
    [9, 2],
    [12, 3],
  ]);
});

test('a record that is not taken stays the oldest', () => {
  const memory = new Uint8Array(64);
  put(memory, 0, 4, 1);
  put(memory, 8, 4, 2);
  const records = new FrameRecords(memory);
  expect(records.read(16, (record) => record[0] === 1)).toBe(8);
  expect(records.read(8, (record) => record[0] === 2)).toBe(8);
});
