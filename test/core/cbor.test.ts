// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { CborError, type CborValue, decode, encode } from '../../src/core/cbor.js';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const text = (value: Uint8Array): string => Buffer.from(value).toString('hex');

const value: fc.Arbitrary<CborValue> = fc.letrec<{ any: CborValue }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<CborValue>(null, true, false),
    fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n)),
    fc.oneof(fc.bigInt(2n ** 53n, 2n ** 64n - 1n), fc.bigInt(-(2n ** 64n), -(2n ** 53n))),
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('any'), { maxLength: 30 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('any'), { maxKeys: 30 }),
  ),
})).any;

// RFC 8949 appendix A
test.each<[CborValue, string]>([
  [0, '00'],
  [23, '17'],
  [24, '1818'],
  [1000, '1903e8'],
  [1000000, '1a000f4240'],
  [1000000000000, '1b000000e8d4a51000'],
  [18446744073709551615n, '1bffffffffffffffff'],
  [-18446744073709551616n, '3bffffffffffffffff'],
  [-1, '20'],
  [-1000, '3903e7'],
  [null, 'f6'],
  [bytes('01020304'), '4401020304'],
  ['\u00fc', '62c3bc'],
  ['\u6c34', '63e6b0b4'],
  [[1, [2, 3], [4, 5]], '8301820203820405'],
  [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
])('RFC 8949 example %p', (example, hex) => {
  expect(text(encode(example))).toBe(hex);
  expect(decode(bytes(hex))).toEqual(example);
});

test('what is encoded decodes to the same value and the same bytes', () => {
  fc.assert(
    fc.property(value, (original) => {
      const encoded = encode(original);
      const decoded = decode(encoded);
      expect(decoded).toEqual(original);
      expect(encode(decoded)).toEqual(encoded);
    }),
  );
});

test('the order in which keys were added does not matter', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.nat(), { maxKeys: 20 }), (map) => {
      const reversed = Object.fromEntries(Object.entries(map).reverse());
      expect(encode(reversed)).toEqual(encode(map));
    }),
  );
  expect(text(encode({ aa: 1, b: 2, '': 3 }))).toBe('a3 60 03 6162 02 626161 01'.replaceAll(' ', ''));
});

test('a bigint and a number of one value have one encoding', () => {
  expect(encode(5n)).toEqual(encode(5));
  expect(encode(2n ** 40n)).toEqual(encode(2 ** 40));
});

test('any bytes decode to a value with exactly these bytes, or are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (input) => {
      let decoded: CborValue;
      try {
        decoded = decode(input);
      } catch (error) {
        expect(error).toBeInstanceOf(CborError);
        return;
      }
      expect(encode(decoded)).toEqual(input);
    }),
    { numRuns: 1000 },
  );
});

test('every truncation is refused', () => {
  fc.assert(
    fc.property(value, fc.nat(), (original, cut) => {
      const encoded = encode(original);
      expect(() => decode(encoded.subarray(0, cut % encoded.length))).toThrow(CborError);
    }),
  );
});

test.each([
  ['nothing', '', /ends in the middle/],
  ['trailing bytes', '0000', /1 bytes after the end/],
  ['unsorted keys', 'a2 6162 00 6161 00', /"a" is out of order/],
  ['a longer key first', 'a2 626161 00 6162 00', /"b" is out of order/],
  ['a key twice', 'a2 6161 00 6161 00', /"a" appears twice/],
  ['a key that is not text', 'a1 00 00', /must be text/],
  ['a long form of 23', '1817', /shortest form/],
  ['a long form of 255', '1900ff', /shortest form/],
  ['a long form of 65535', '1a0000ffff', /shortest form/],
  ['a long form of 2^32-1', '1b00000000ffffffff', /shortest form/],
  ['an indefinite list', '9f00ff', /indefinite/],
  ['indefinite bytes', '5f4100ff', /indefinite/],
  ['a tag', 'c24101', /tags/],
  ['a half float', 'f90000', /floats/],
  ['a double', 'fb0000000000000000', /floats/],
  ['undefined', 'f7', /floats and simple/],
  ['a reserved length', '1c', /reserved/],
  ['bytes of 2^64-1', '5bffffffffffffffff 00', /bytes announced/],
  ['a list of 2^32-1', '9affffffff 00', /entries announced/],
  ['a map of 2^63', 'bb8000000000000000 00', /entries announced/],
  ['bad UTF-8', '62c328', /UTF-8/],
])('refuses %s', (_, hex, message) => {
  expect(() => decode(bytes(hex))).toThrow(CborError);
  expect(() => decode(bytes(hex))).toThrow(message);
});

test('depth, items and bytes are bounded', () => {
  const deep = new Uint8Array(100_000).fill(0x81);
  expect(() => decode(deep)).toThrow(/nested more than 32 deep/);
  expect(() => decode(bytes('8100'), { depth: 0 })).toThrow(/nested more than 0/);
  expect(decode(bytes('820001'), { items: 3 })).toEqual([0, 1]);
  expect(() => decode(bytes('820001'), { items: 2 })).toThrow(/more than 2 items/);
  expect(() => decode(bytes('820001'), { bytes: 2 })).toThrow(/at most 2 bytes, got 3/);
});

test('a key named __proto__ is only a key', () => {
  const decoded = decode(encode(JSON.parse('{"__proto__": {"polluted": true}}')));
  expect(Object.keys(decoded as object)).toEqual(['__proto__']);
  expect('polluted' in {}).toBe(false);
  expect(text(encode(decoded))).toBe('a1695f5f70726f746f5f5fa168706f6c6c75746564f5');
});

test.each<[string, CborValue, RegExp]>([
  ['a fraction', { a: [1.5] }, /a\[0\]: expected a safe integer, got 1.5/],
  ['a number above 2^53', { big: 2 ** 53 }, /big: expected a safe integer/],
  ['a bigint above 64 bits', 2n ** 64n, /64 bits/],
  ['a lone surrogate', '\ud800', /well-formed/],
])('will not encode %s', (_, bad, message) => {
  expect(() => encode(bad)).toThrow(message);
});
