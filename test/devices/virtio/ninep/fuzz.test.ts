// SPDX-License-Identifier: BSD-2-Clause
/** A hostile client: any message with any fields, saves in between. It gets answers, and nothing outside of its folder. */
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encoded, NinepClient, type Part, sandbox, shareOf, u8, u16, u32, u64 } from '../../../support/ninep-client.js';
import { randomNumbers } from '../../../support/random.js';

const TYPES = Array.from({ length: 62 }, (_, index) => 2 * index + 4);
const NAMES = ['hello', 'sub', 'data', 'deep', 'link', 'up', 'out', 'secret', '.', '..', '', '/', '../secret', 'a\0b'];
const MORE_NAMES = ['new', 'new2', 'n'.repeat(255), 'n'.repeat(300), 'x'.repeat(5000), '\xff', 'sub/data', '9P2000.L'];
const NUMBERS = [0, 1, 2, 3, 0o2, 0o102, 0o1002, 0o644, 0x200, 0x7ff, 0xffffffff, 0x80000000, 4096, 0x10000];

/** The kinds of fields that a message of each number has, so that most of them mean something. */
const FIELDS: Readonly<Record<number, string>> = {
  8: 'f',
  12: 'fo',
  14: 'fnoii',
  16: 'fnni',
  18: 'fniiii',
  20: 'ffn',
  22: 'f',
  24: 'fl',
  26: 'fiiiillllll',
  30: 'ffn',
  40: 'fli',
  50: 'fi',
  52: 'fbillin',
  70: 'ffn',
  72: 'fnii',
  74: 'fnfn',
  76: 'fnr',
  104: 'gifn',
  108: 's',
  110: 'fgw',
  116: 'fli',
  118: 'fld',
  120: 'f',
  122: 'f',
};

function hostile(client: NinepClient, random: () => number): Uint8Array {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] ?? (list[0] as T); // never empty
  const name = (): string => pick(random() < 0.7 ? NAMES : MORE_NAMES);
  const known = Object.keys(FIELDS);
  const type = random() < 0.9 ? Number(pick(known)) : pick(TYPES);
  const part = (kind: string): Part[] => {
    switch (kind) {
      case 'f':
        return [u32(random() < 0.3 ? 0 : Math.floor(random() * 12))];
      case 'g':
        return [u32(random() < 0.9 ? Math.floor(random() * 12) : pick(NUMBERS))];
      case 'o':
        return [u32(pick([0, 1, 2, 0o1002, 0o2002, 0o200000, 0o302, 0o102]))];
      case 'n':
        return [name()];
      case 'l':
        return [u64(random() < 0.8 ? Math.floor(random() * 50) : BigInt(pick(NUMBERS)) << 32n)];
      case 'r':
        return [u32(pick([0, 0x200, 7]))];
      case 'b':
        return [u8(Math.floor(random() * 4))];
      case 's':
        return [u16(Math.floor(random() * 4))];
      case 'd': {
        const length = Math.floor(random() * 2000);
        return [u32(random() < 0.95 ? length : pick(NUMBERS)), new Uint8Array(length).fill(0x61)];
      }
      case 'w': {
        if (random() < 0.5) return [u16(1), pick(['hello', 'sub', 'link'])];
        const count = Math.floor(random() * 5);
        return [u16(random() < 0.95 ? count : pick(NUMBERS)), ...Array.from({ length: count }, name)];
      }
      default:
        return [u32(pick(NUMBERS))];
    }
  };
  const parts = (FIELDS[type] ?? 'iln').split('').flatMap(part);
  const bytes = encoded([u32(0), u8(type), u16(Math.floor(random() * 100)), ...parts]);
  if (random() < 0.02) client.attach();
  return random() < 0.97 ? bytes : bytes.subarray(0, Math.max(7, Math.floor(random() * bytes.length)));
}

/** A guest that may write has soon removed everything. */
function restore(share: string): void {
  rmSync(join(share, 'hello'), { recursive: true, force: true });
  rmSync(join(share, 'link'), { recursive: true, force: true });
  writeFileSync(join(share, 'hello'), 'hello');
  symlinkSync('hello', join(share, 'link'));
}

test.each([
  ['writable', false],
  ['read-only', true],
])('a %s share survives', (_, readOnly) => {
  const { outside, share } = sandbox();
  const client = new NinepClient(shareOf(share, { readOnly })).attach();
  const random = randomNumbers(1);
  const answered = new Set<number>();
  for (let turn = 0; turn < 20_000; turn += 1) {
    const { type } = client.exchange(hostile(client, random), random() < 0.98 ? 0x10000 : 11);
    answered.add(type);
    if (turn % 500 !== 0) continue;
    if (!readOnly) restore(share);
    client.rig.device.deserialize(client.rig.device.serialize());
  }
  const refused = readOnly ? [15, 17, 19, 21, 27, 71, 73, 75, 77, 119, 123] : [];
  const replies = Object.keys(FIELDS).map((request) => Number(request) + 1);
  // All but extended attributes, and a link, for which too much has to be right.
  const expected = replies.filter((reply) => ![31, 71, ...refused].includes(reply));
  expect(expected.filter((reply) => !answered.has(reply))).toEqual([]);
  expect(refused.filter((reply) => answered.has(reply))).toEqual([]);
  expect(readdirSync(outside).sort()).toEqual(['secret', 'share']);
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret\n');
  if (readOnly) {
    expect(readdirSync(share).sort()).toEqual(['hello', 'link', 'out', 'sub', 'up']);
    expect(readFileSync(join(share, 'hello'), 'utf8')).toBe('hello\n');
  } else {
    expect(readdirSync(share).sort()).not.toEqual(['hello', 'link', 'out', 'sub', 'up']);
  }
  client.rig.device.close();
});
