// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { type CborMap, decode, encode } from '../../src/core/cbor.js';
import { StateError } from '../../src/core/state-error.js';
import {
  blob,
  bool,
  byteList,
  bytes,
  hostString,
  i32,
  i64,
  list,
  oneOf,
  optional,
  record,
  u8,
  u16,
  u32,
  u64,
} from '../../src/core/state-fields.js';
import { nested, StateShape } from '../../src/core/state-shape.js';

const timer = new StateShape('timer', 1, { deadline: optional(u64()), kept: u8({ keepOnReset: true }) });
const shape = new StateShape(
  'chip',
  2,
  {
    small: u8({ mask: 0x3c, initial: 4 }),
    ranged: u16({ min: 10, max: 20 }),
    word: u32({ keepOnReset: true, unit: 'ns', doc: 'a word' }),
    wide: u64({ mask: 0xffff_0000_ffff_0000n }),
    signed: i32(),
    offset: i64(),
    flag: bool({ initial: true }),
    ram: bytes(4, { initial: Uint8Array.of(1, 2, 3, 4) }),
    packet: blob({ max: 8 }),
    fifo: byteList({ max: 3 }),
    mode: oneOf(['idle', 'busy']),
    pins: list(record({ level: bool(), count: u8({ keepOnReset: true }) }), { length: 2 }),
    queue: list(u16(), { max: 3 }),
    path: hostString(),
    timer: nested(timer),
  },
  {
    check: (s) => {
      if (s.fifo.length > s.ranged) throw new StateError('fifo', 'longer than ranged');
      if (s.mode === 'busy' && s.queue.length === 0) throw new StateError('queue', 'empty while busy');
    },
    upgrades: { 1: ({ speed, ...rest }: CborMap): CborMap => ({ ...rest, signed: speed ?? 0 }) },
  },
);

const wideMask = 0xffff_0000_ffff_0000n;
const legal = fc.record({
  small: fc.nat(0xff).map((n) => n & 0x3c),
  ranged: fc.integer({ min: 10, max: 20 }),
  word: fc.nat(0xffff_ffff),
  wide: fc.bigInt(0n, 2n ** 64n - 1n).map((n) => n & wideMask),
  signed: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  offset: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  flag: fc.boolean(),
  ram: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  packet: fc.uint8Array({ maxLength: 8 }),
  fifo: fc.array(fc.nat(255), { maxLength: 3 }),
  mode: fc.constant<'idle' | 'busy'>('idle'),
  pins: fc.array(fc.record({ level: fc.boolean(), count: fc.nat(255) }), { minLength: 2, maxLength: 2 }),
  queue: fc.array(fc.nat(0xffff), { maxLength: 3 }),
  path: fc.string(),
  timer: fc.record({ deadline: fc.option(fc.bigInt(0n, 2n ** 64n - 1n)), kept: fc.nat(255) }),
});

test('save, encode, decode and load give back every legal state', () => {
  fc.assert(
    fc.property(legal, (state) => {
      const encoded = encode(shape.save(state));
      const loaded = shape.load(decode(encoded));
      expect(loaded).toEqual(state);
      expect(encode(shape.save(loaded))).toEqual(encoded);
    }),
  );
});

test('saved and loaded states share nothing with each other', () => {
  const state = shape.initial();
  const saved = shape.save(state);
  const before = encode(saved);
  state.ram[0] = 99;
  state.fifo.push(1);
  shape.load(saved).ram[1] = 77;
  shape.initial().ram[2] = 55;
  expect(encode(saved)).toEqual(before);
  expect(shape.initial().ram).toEqual(Uint8Array.of(1, 2, 3, 4));
});

test('reset gives first values, except to what is kept', () => {
  const state = shape.initial();
  Object.assign(state, { small: 8, word: 9, mode: 'busy', path: '/tmp/x', timer: { deadline: 5n, kept: 6 } });
  state.pins[1] = { level: true, count: 7 };
  expect(shape.afterReset(state)).toEqual({
    ...shape.initial(),
    word: 9,
    path: '/tmp/x',
    pins: [
      { level: false, count: 0 },
      { level: false, count: 7 },
    ],
    timer: { deadline: null, kept: 6 },
  });
});

const spoiledFields: [string, CborMap, string][] = [
  ['bits outside the mask', { small: 0xff }, 'com1.small: expected only bits of 0x3c, got 0xff'],
  ['a value out of range', { ranged: 9 }, 'com1.ranged: expected an integer from 10 to 20, got 9'],
  ['a negative unsigned', { word: -1 }, 'com1.word: expected an integer from 0 to 4294967295, got -1'],
  ['a text for a number', { word: '1' }, 'com1.word: expected an integer from 0 to 4294967295, got "1"'],
  ['wide bits outside the mask', { wide: 1 }, `com1.wide: expected only bits of 0xffff0000ffff0000, got 0x1`],
  ['a number for a flag', { flag: 1 }, 'com1.flag: expected true or false, got 1'],
  ['too few bytes', { ram: new Uint8Array(3) }, 'com1.ram: expected 4 bytes, got 3 bytes'],
  ['a list for bytes', { ram: [1, 2, 3, 4] }, 'com1.ram: expected 4 bytes, got a list of 4'],
  ['too many bytes', { fifo: new Uint8Array(17) }, 'com1.fifo: expected at most 3 bytes, got 17'],
  ['too long a blob', { packet: new Uint8Array(9) }, 'com1.packet: expected at most 8 bytes, got 9'],
  ['an unknown choice', { mode: 'asleep' }, 'com1.mode: expected one of idle, busy, got "asleep"'],
  ['a bad element', { queue: [1, 70000] }, 'com1.queue[1]: expected an integer from 0 to 65535, got 70000'],
  ['too many elements', { queue: [1, 2, 3, 4] }, 'com1.queue: expected at most 3 items, got 4'],
  ['too few elements', { pins: [] }, 'com1.pins: expected 2 items, got 0'],
  [
    'a bad element part',
    {
      pins: [
        { level: true, count: 0 },
        { level: 0, count: 0 },
      ],
    },
    'com1.pins[1].level: expected',
  ],
  ['a missing element part', { pins: [{ level: true }, { level: true }] }, 'com1.pins[0].count: missing'],
  ['an unknown element part', { pins: [{ level: true, count: 0, x: 1 }, null] }, 'com1.pins[0].x: unknown'],
  ['a bad nested kind', { timer: { kind: 'x', version: 1, fields: {} } }, 'com1.timer: expected kind timer, got "x"'],
  ['a nested gap', { timer: { kind: 'timer', version: 1, fields: {} } }, 'com1.timer.deadline: missing'],
  ['a broken rule', { mode: 'busy' }, 'com1.queue: empty while busy'],
  ['an unknown field', { toString: 1 }, 'com1.toString: unknown; expected small, ranged'],
];

test.each(spoiledFields)('refuses %s', (_, change, message) => {
  const saved = shape.save(shape.initial());
  const spoiled = { ...saved, fields: { ...saved.fields, ...change } };
  expect(() => shape.load(spoiled, 'com1')).toThrow(StateError);
  expect(() => shape.load(spoiled, 'com1')).toThrow(message);
});

test('refuses a missing field, even one named like a built-in', () => {
  const odd = new StateShape('odd', 1, { constructor: u8() });
  expect(() => odd.load({ kind: 'odd', version: 1, fields: {} }, 'dev')).toThrow('dev.constructor: missing');
});

test.each([
  ['not a map', [1], 'com1: expected a saved chip, got a list of 1'],
  ['kind', { kind: 'fish', version: 2, fields: {} }, 'com1: expected kind chip, got "fish"'],
  ['no version', { kind: 'chip', fields: {} }, 'com1.version: expected a version of 1 or more'],
  [
    'newer',
    { kind: 'chip', version: 3, fields: {} },
    'com1: saved as a newer version of chip: expected version 1 to 2',
  ],
  ['fields', { kind: 'chip', version: 2, fields: 0 }, 'com1.fields: expected a map, got 0'],
  ['extra', { kind: 'chip', version: 2, fields: {}, more: 1 }, 'com1.more: unknown part'],
])('refuses a bad head: %s', (_, saved, message) => {
  expect(() => shape.load(saved, 'com1')).toThrow(message);
});

test('an illegal live state is refused when saved', () => {
  expect(() => shape.save({ ...shape.initial(), small: 0x100 }, 'com1')).toThrow('com1.small: expected');
  expect(() => shape.save({ ...shape.initial(), fifo: [1, 256] }, 'com1')).toThrow('com1.fifo[1]: expected a byte');
});

describe('versions', () => {
  test('an older state is upgraded', () => {
    const { fields } = shape.save(shape.initial());
    const { signed: _, ...rest } = fields;
    const loaded = shape.load({ kind: 'chip', version: 1, fields: { ...rest, speed: -7 } });
    expect(loaded).toEqual({ ...shape.initial(), signed: -7 });
  });

  test('an older save can be had in the form of this version', () => {
    const now = shape.save({ ...shape.initial(), signed: -7 });
    const { signed: _, ...rest } = now.fields;
    expect(shape.upgraded({ kind: 'chip', version: 1, fields: { ...rest, speed: -7 } })).toEqual(now);
    expect(shape.upgraded(now)).toEqual(now);
    expect(() => shape.upgraded({ ...now, version: 3 }, 'com1')).toThrow('com1: saved as a newer version');
  });

  test('the result of an upgrade is checked, and its failure has a path', () => {
    const three = new StateShape(
      'v',
      3,
      { a: u8() },
      {
        upgrades: {
          1: () => {
            throw new TypeError('cannot read');
          },
          2: (old) => ({ ...old, a: 999 }),
        },
      },
    );
    expect(() => three.load({ kind: 'v', version: 2, fields: {} }, 'dev')).toThrow('dev.a: expected');
    expect(() => three.load({ kind: 'v', version: 1, fields: {} }, 'dev')).toThrow(
      'dev: version 1 of v could not be upgraded',
    );
  });

  test('a gap in the upgrades is refused when the shape is built', () => {
    const same = (old: CborMap): CborMap => old;
    expect(() => new StateShape('v', 4, {}, { upgrades: { 1: same, 3: same } })).toThrow('lack a step from version 2');
  });
});

test('an illegal first value is refused when the field is built', () => {
  expect(() => u8({ mask: 0x0f, initial: 0x10 })).toThrow('expected only bits of 0xf');
  expect(() => bytes(2, { initial: new Uint8Array(3) })).toThrow('expected 2 bytes');
});

test('the description is plain JSON', () => {
  const description = shape.describe();
  expect(JSON.parse(JSON.stringify(description))).toEqual(description);
  expect(description.fields.word).toEqual({
    type: 'u32',
    initial: '0',
    min: '0',
    max: '4294967295',
    keepOnReset: true,
    unit: 'ns',
    doc: 'a word',
  });
  expect(description.fields.path?.hostRelative).toBe(true);
  expect(description).toMatchObject({ kind: 'chip', version: 2, oldest: 1 });
});
