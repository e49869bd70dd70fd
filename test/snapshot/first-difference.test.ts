// SPDX-License-Identifier: BSD-2-Clause
import type { CborValue } from '../../src/core/cbor.js';
import { firstDifference } from '../../src/snapshot/first-difference.js';

const tree = (fields: Record<string, CborValue>): CborValue => ({
  vcpu: { time: 5 },
  devices: { rtc: { kind: 'rtc', version: 1, fields } },
});
const whole = { index: 1, memory: Uint8Array.of(1, 2, 3), pins: [{ level: true }, { level: false }], time: null };

test('equal trees have none', () => {
  expect(firstDifference(tree(whole), tree(structuredClone(whole)))).toBeNull();
});

test.each([
  [
    { ...whole, index: 2 },
    { path: 'rtc.index', saved: '1', restored: '2' },
  ],
  [
    { ...whole, memory: Uint8Array.of(1, 9, 3) },
    { path: 'rtc.memory[1]', saved: '2', restored: '9' },
  ],
  [
    { ...whole, memory: Uint8Array.of(1) },
    { path: 'rtc.memory', saved: '3 bytes', restored: '1 bytes' },
  ],
  [
    { ...whole, pins: [{ level: true }, { level: true }] },
    { path: 'rtc.pins[1].level', saved: 'false', restored: 'true' },
  ],
  [
    { ...whole, pins: [] },
    { path: 'rtc.pins[0]', saved: 'a map', restored: 'nothing' },
  ],
  [
    { ...whole, time: 0n },
    { path: 'rtc.time', saved: 'null', restored: '0' },
  ],
  [
    { ...whole, more: 'x' },
    { path: 'rtc.more', saved: 'nothing', restored: '"x"' },
  ],
])('%j differs', (fields, expected) => {
  expect(firstDifference(tree(whole), tree(fields))).toEqual(expected);
});
