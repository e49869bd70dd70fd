// SPDX-License-Identifier: BSD-2-Clause

import { list, oneOf, record, u8, u16 } from '../../src/core/state-fields.js';
import { compareWithLock, extendLock, fingerprint } from '../../src/core/state-lock.js';
import { type Fields, nested, StateShape } from '../../src/core/state-shape.js';

const same = <T>(old: T): T => old;
const describeShape = (version: number, fields: Fields, oldest = version) => {
  const upgrades = Object.fromEntries(Array.from({ length: version - oldest }, (_, i) => [oldest + i, same]));
  return new StateShape('chip', version, fields, { upgrades }).describe();
};
const first = describeShape(1, { a: u8({ mask: 0x0f }) });

test('the fingerprint names type and legal values of every part', () => {
  const inner = new StateShape('inner', 4, { x: u8() });
  const fields = {
    a: u8({ mask: 0x0f }),
    pins: list(record({ mode: oneOf(['in', 'out']) }), { max: 4 }),
    i: nested(inner),
  };
  expect(fingerprint(describeShape(1, fields))).toEqual({
    a: 'u8 0..255 mask 0xf',
    i: 'nested inner',
    pins: 'list at most 4',
    'pins[]': 'record',
    'pins[].mode': 'choice in|out',
  });
});

test('an unchanged shape agrees with its lock', () => {
  expect(compareWithLock([first], extendLock([first], {}))).toEqual([]);
});

test('documents, units, first values and reset rules may change', () => {
  const lock = extendLock([first], {});
  const reworded = describeShape(1, { a: u8({ mask: 0x0f, doc: 'x', unit: 'ns', initial: 3, keepOnReset: true }) });
  expect(compareWithLock([reworded], lock)).toEqual([]);
});

test.each([
  ['a mask', { a: u8({ mask: 0x1f }) }, 'a changed from "u8 0..255 mask 0xf" to "u8 0..255 mask 0x1f"'],
  ['a type', { a: u16({ mask: 0x0f }) }, 'a changed from'],
  ['a new field', { a: u8({ mask: 0x0f }), b: u8() }, 'b changed from "absent" to "u8 0..255"'],
  ['a lost field', {}, 'a changed from "u8 0..255 mask 0xf" to "absent"'],
])('%s without a new version is a problem', (_, fields, message) => {
  const lock = extendLock([first], {});
  const changed = describeShape(1, fields);
  expect(compareWithLock([changed], lock)).toEqual([expect.stringContaining(message)]);
  expect(extendLock([changed], lock)).toEqual(lock);
});

test('a new version needs an upgrade and an entry, and keeps the old entry', () => {
  const lock = extendLock([first], {});
  const second = describeShape(2, { a: u16() }, 1);
  expect(compareWithLock([second], lock)).toEqual(['chip: version 2 is not in the lock yet']);
  const extended = extendLock([second], lock);
  expect(Object.keys(extended.chip ?? {})).toEqual(['1', '2']);
  expect(compareWithLock([second], extended)).toEqual([]);
  expect(compareWithLock([describeShape(2, { a: u16() })], extended)).toEqual([
    'chip: version 1 is locked, but there is no upgrade from it',
  ]);
  expect(compareWithLock([first], extended)).toEqual(['chip: version 1 is older than the locked version 2']);
});

test('a kind that vanished, and one that two shapes claim, are problems', () => {
  const lock = extendLock([first], {});
  expect(compareWithLock([], lock)).toEqual(['chip: locked, but no shape has this kind any more']);
  expect(compareWithLock([first, first], lock)).toEqual([]);
  const problems = compareWithLock([first, describeShape(1, { b: u8() })], lock);
  expect(problems[0]).toBe('chip: 2 different shapes have this kind');
});

test('nested shapes are locked by themselves', () => {
  const outer = (version: number) =>
    describeShape(1, {
      i: nested(new StateShape('inner', version, { x: u8() }, version > 1 ? { upgrades: { 1: same } } : {})),
    });
  const lock = extendLock([outer(1)], {});
  expect(lock.inner).toEqual({ 1: { x: 'u8 0..255' } });
  expect(compareWithLock([outer(2)], lock)).toEqual(['inner: version 2 is not in the lock yet']);
});
