// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { RegisterMap, type RegisterRow } from '../../src/core/register-map.js';
import { type StateOf, u8, u16, u32, u64 } from '../../src/core/state-fields.js';

const fields = { a: u8(), b: u8(), c: u16(), d: u32(), e: u64(), f: u8({ mask: 0x0f }), g: u16({ mask: 0x7ff0 }) };
type State = StateOf<typeof fields>;

// Offsets 17, 19 and 22 on have no register; `c` and `d` are unaligned on purpose.
const rows: RegisterRow<State, unknown>[] = [
  { at: 0, name: 'A', field: 'a' },
  { at: 1, name: 'B', field: 'b' },
  { at: 3, name: 'C', field: 'c', width: 2 },
  { at: 5, name: 'D', field: 'd', width: 4 },
  { at: 9, name: 'E', field: 'e', width: 8 },
  { at: 18, name: 'F', field: 'f' },
  { at: 20, name: 'G', field: 'g', width: 2 },
];
const MAPPED = [
  0xff,
  0xff,
  0,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  ...Array(8).fill(0xff),
  0,
  0x0f,
  0,
  0xf0,
  0x7f,
  0,
  0,
];
const UNMAPPED = [2, 17, 19, 22, 23];
const map = new RegisterMap<State, unknown>(fields, 1, rows);

const start = (): State => ({ a: 0, b: 0, c: 0, d: 0, e: 0n, f: 0, g: 0 });
const width = fc.constantFrom<1 | 2 | 4>(1, 2, 4);
const access = fc.record({ offset: fc.integer({ min: 0, max: 20 }), width, value: fc.nat(0xffff_ffff) });

/** The same registers as an array of bytes: what any mix of widths must add up to. */
class ByteModel {
  readonly bytes: number[] = MAPPED.map((_, offset) => (UNMAPPED.includes(offset) ? 0xff : 0));

  write(offset: number, count: number, value: number): void {
    for (let i = 0; i < count; i += 1) {
      const at = offset + i;
      if (!UNMAPPED.includes(at) && at < 24)
        this.bytes[at] = Math.floor(value / 2 ** (8 * i)) & (MAPPED[at] ?? 0) & 0xff;
    }
  }

  read(offset: number, count: number): number {
    let value = 0;
    for (let i = 0; i < count; i += 1) value += (this.bytes[offset + i] ?? 0xff) * 2 ** (8 * i);
    return value;
  }
}

test('accesses of all widths agree with a model made of bytes', () => {
  fc.assert(
    fc.property(fc.array(access, { maxLength: 30 }), access, (writes, read) => {
      const state = start();
      const model = new ByteModel();
      for (const write of writes) {
        map.write(state, null, 0, write.offset, write.width, write.value);
        model.write(write.offset, write.width, write.width === 4 ? write.value : write.value % 2 ** (8 * write.width));
      }
      expect(map.read(state, null, 0, read.offset, read.width)).toBe(model.read(read.offset, read.width));
      expect(map.peek(state, null, 0, read.offset, read.width)).toBe(model.read(read.offset, read.width));
      const wide = BigInt(model.read(read.offset, 4)) | (BigInt(model.read(read.offset + 4, 4)) << 32n);
      expect(map.read64(state, null, 0, read.offset)).toBe(wide);
    }),
  );
});

test('8-byte writes agree with eight 1-byte writes', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, (1n << 64n) - 1n), fc.integer({ min: 0, max: 16 }), (value, offset) => {
      const [whole, bytewise] = [start(), start()];
      map.write64(whole, null, 0, offset, value);
      for (let i = 0; i < 8; i += 1) {
        map.write(bytewise, null, 0, offset + i, 1, Number((value >> BigInt(8 * i)) & 0xffn));
      }
      expect(whole).toEqual(bytewise);
    }),
  );
});

test('values stay unsigned', () => {
  const state = { ...start(), d: 0xffff_fffe, e: 0xffff_ffff_0000_0001n };
  expect(map.read(state, null, 0, 5, 4)).toBe(0xffff_fffe);
  expect(map.read(state, null, 0, 13, 4)).toBe(0xffff_ffff);
  map.write(state, null, 0, 5, 4, 0x8000_0000);
  expect(state.d).toBe(0x8000_0000);
});

test('a register read in part calls get once; a peek calls only peek', () => {
  const calls: string[] = [];
  const effects = new RegisterMap<State, unknown>(fields, 1, [
    {
      at: 0,
      name: 'POP',
      width: 4,
      get: () => {
        calls.push('get');
        return 0x4433_2211;
      },
      peek: () => {
        calls.push('peek');
        return 0x4433_2211;
      },
    },
  ]);
  expect(effects.read(start(), null, 0, 1, 2)).toBe(0x3322);
  expect(effects.peek(start(), null, 0, 2, 2)).toBe(0x4433);
  expect(calls).toEqual(['get', 'peek']);
});

test('a partial write merges with peek, or with zeros where ones have effects', () => {
  const seen: number[] = [];
  const build = (zeroFill: boolean) =>
    new RegisterMap<State, unknown>(fields, 1, [
      { at: 0, name: 'STATUS', width: 2, get: (s) => s.c, set: (_, value) => void seen.push(value), zeroFill },
    ]);
  const state = { ...start(), c: 0xabcd };
  build(false).write(state, null, 0, 0, 1, 0x01);
  build(true).write(state, null, 0, 0, 1, 0x01);
  build(true).write(state, null, 0, 1, 1, 0x01);
  expect(seen).toEqual([0xab01, 0x0001, 0x0100]);
});

test('banks, masks, read-only rows, after and the unmapped byte', () => {
  let after = 0;
  const owner = { changed: () => (after += 1) };
  const banked = new RegisterMap<State, typeof owner>(
    fields,
    2,
    [
      { at: 0, bank: 0, name: 'A', field: 'a', after: (o) => o.changed() },
      { at: 0, bank: 1, name: 'B', field: 'b', readOnly: true },
      { at: 1, name: 'F', field: 'f', writeMask: 0x3c },
    ],
    { unmapped: 0 },
  );
  const state = { ...start(), b: 7, f: 0x03 };
  banked.write(state, owner, 0, 0, 1, 0x5a);
  banked.write(state, owner, 1, 0, 1, 0x5a);
  banked.write(state, owner, 1, 1, 1, 0xff);
  expect(state).toEqual({ ...start(), a: 0x5a, b: 7, f: 0x0f });
  expect(after).toBe(1);
  expect(banked.read(state, owner, 1, 0, 4)).toBe(0x0f07);
  expect(banked.read(state, owner, 0, 100, 2)).toBe(0);
});

describe('a bad table is refused when it is built', () => {
  const build = (...bad: RegisterRow<State, unknown>[]) => new RegisterMap<State, unknown>(fields, 1, bad);
  test('overlap', () => {
    const late: RegisterRow<State, unknown> = { at: 4, name: 'LATE', field: 'a' };
    expect(() => build({ at: 3, name: 'C', field: 'c', width: 2 }, late)).toThrow(/LATE overlaps C at offset 4/);
  });
  test('a field wider than its register', () => {
    expect(() => build({ at: 0, name: 'D', field: 'd', width: 2 })).toThrow(/register D: field d/);
  });
  test('a bank that does not exist', () => {
    expect(() => build({ at: 0, bank: 1, name: 'A', field: 'a' })).toThrow(/bank below 1, got 1/);
  });
  test('a guest-writable field with a range', () => {
    const ranged = { month: u8({ min: 1, max: 12, initial: 1 }) };
    const row = { at: 0, name: 'MONTH', field: 'month' } as const;
    expect(() => new RegisterMap<StateOf<typeof ranged>>(ranged, 1, [row])).toThrow(/illegal value to month/);
  });
});
