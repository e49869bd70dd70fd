// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { BootError } from '../../src/boot/boot-error.js';
import { findNote, loadableWrites, parseElf } from '../../src/boot/elf.js';
import { elfImage, elfNote } from './support/images.js';

const code = Buffer.from('code');
const sample = (bits: 32 | 64) =>
  elfImage({
    bits,
    entry: 0x100010,
    segments: [
      { address: 0x100000, bytes: code, memorySize: 0x3000 },
      {
        type: 4,
        address: 0,
        bytes: Buffer.concat([elfNote('GNU', 3, code), elfNote('Xen', 18, Buffer.from([1, 2, 3, 4]))]),
      },
    ],
  });

describe.each([32, 64] as const)('ELF%i', (bits) => {
  test('loads PT_LOAD at its physical address and leaves the bss to be zeroed', () => {
    const elf = parseElf('kernel', sample(bits));
    expect(elf.entry).toBe(0x100010n);
    expect(elf.is64).toBe(bits === 64);
    const [segment, ...others] = loadableWrites(elf);
    expect(others).toEqual([]);
    expect(segment).toMatchObject({ address: 0x100000, size: 0x3000 });
    expect(Buffer.from(segment?.bytes ?? []).toString()).toBe('code');
  });

  test('finds a note behind another one', () => {
    const elf = parseElf('kernel', sample(bits));
    expect([...(findNote(elf, 'Xen', 18)?.description ?? [])]).toEqual([1, 2, 3, 4]);
    expect(findNote(elf, 'Xen', 17)).toBeUndefined();
  });

  test('any damaged file gives a BootError or a result, nothing else', () => {
    const image = sample(bits);
    const damage = fc.array(fc.tuple(fc.nat(image.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(damage, fc.nat(image.length), (changes, length) => {
        const damaged = Buffer.from(image);
        for (const [at, value] of changes) {
          damaged[at] = value;
        }
        try {
          const elf = parseElf('kernel', damaged.subarray(0, length));
          findNote(elf, 'Xen', 18);
          loadableWrites(elf);
        } catch (error) {
          expect(error).toBeInstanceOf(BootError);
        }
      }),
    );
  });
});

test.each([
  ['e_machine', (image: Buffer) => image.writeUInt16LE(183, 18), /kernel: e_machine is 0xb7, accepted: 0x3 or 0x3e/],
  ['e_type', (image: Buffer) => image.writeUInt16LE(1, 16), /e_type is 0x1, accepted: 0x2 or 0x3/],
  ['byte order', (image: Buffer) => image.writeUInt8(2, 5), /EI_DATA is 0x2, accepted: 0x1/],
  ['e_phnum', (image: Buffer) => image.writeUInt16LE(0xffff, 56), /e_phnum is 65535, accepted are 1 to 256/],
  ['e_phoff', (image: Buffer) => image.writeBigUInt64LE(1n << 60n, 32), /e_phoff is 0x1000000000000000/],
  [
    'p_offset',
    (image: Buffer) => image.writeBigUInt64LE(0x100000n, 64 + 8),
    /ELF segment 0 needs 4 bytes at offset 0x100000/,
  ],
  [
    'p_filesz',
    (image: Buffer) => image.writeBigUInt64LE(0x3001n, 64 + 32),
    /p_filesz 0x3001, at most its p_memsz 0x3000/,
  ],
])('a bad %s is named', (_, spoil, message) => {
  const image = sample(64);
  spoil(image);
  expect(() => loadableWrites(parseElf('kernel', image))).toThrow(message);
});
