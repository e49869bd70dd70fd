// SPDX-License-Identifier: BSD-2-Clause
import { gzipSync } from 'node:zlib';
import koffi from 'koffi';
import { unpackKernel } from '../../../src/boot/linux/unpack.js';

const KERNEL = Buffer.from('\x7fELFpayload payload payload payload payload 0123456789', 'latin1');

/** Made with `xz --check=crc32 --x86 --lzma2=dict=1MiB`, `lz4 -l` and `zstd --ultra -22`. */
const PACKED = {
  xz: '/Td6WFoAAAFpIt42AgEEACEBEACLIW9J4AA1AB1dAD+RRYRsYIh71eIwfrtESY3SFZ6blJC5zCHNwGP9AAAAALQy8dIAATU2BOINTZBCmQ0BAAAAAAFZWg==',
  lz4: 'AiFMGBsAAADPf0VMRnBheWxvYWQgCAANoDAxMjM0NTY3ODk=',
  zstd: 'KLUv/SQ25QAAsH9FTEZwYXlsb2FkIDAxMjM0NTY3ODkBAPGbBGNb6Z4=',
};
const LIBRARIES = { xz: 'liblzma.so.5', lz4: 'liblz4.so.1', zstd: 'libzstd.so.1' };

function withSize(packed: Buffer, size: number): Buffer {
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(size);
  return Buffer.concat([packed, tail]);
}

function installed(library: string): boolean {
  try {
    koffi.load(library);
    return true;
  } catch {
    return false;
  }
}

describe.each(['xz', 'lz4', 'zstd'] as const)('%s', (format) => {
  const packed = Buffer.from(PACKED[format], 'base64');
  const present = installed(LIBRARIES[format]);
  const where = present ? test : test.skip;
  const note = present ? '' : ` (skipped: ${LIBRARIES[format]} is not installed)`;

  where(`unpacks the payload and ignores the appended size${note}`, () => {
    expect(Buffer.from(unpackKernel('vmlinuz', withSize(packed, KERNEL.length)))).toEqual(KERNEL);
  });

  where(`a wrong size or damaged data is an error${note}`, () => {
    expect(() => unpackKernel('vmlinuz', withSize(packed, KERNEL.length + 1))).toThrow(
      /^vmlinuz: the (xz|lz4|zstd) data/,
    );
    expect(() => unpackKernel('vmlinuz', withSize(packed, KERNEL.length - 1))).toThrow(
      /^vmlinuz: the (xz|lz4|zstd) data/,
    );
    const cut = packed.subarray(0, packed.length - 8);
    expect(() => unpackKernel('vmlinuz', withSize(cut, KERNEL.length))).toThrow(/^vmlinuz: /);
  });
});

test('gzip ends in its own size field', () => {
  expect(Buffer.from(unpackKernel('vmlinuz', gzipSync(KERNEL)))).toEqual(KERNEL);
});

test('damaged gzip data is an error', () => {
  const packed = gzipSync(KERNEL);
  packed[20] = (packed[20] ?? 0) ^ 0xff;
  expect(() => unpackKernel('vmlinuz', packed)).toThrow(/vmlinuz: the gzip data of the compressed kernel is damaged/);
});

test('an uncompressed kernel is taken as it is', () => {
  expect(Buffer.from(unpackKernel('vmlinuz', KERNEL))).toEqual(KERNEL);
});

test('other compressions are named with what is accepted', () => {
  expect(() => unpackKernel('vmlinuz', Buffer.from('BZh91AY'))).toThrow(
    'vmlinuz: the compression of the kernel is bzip2; accepted are gzip, xz, lz4, zstd, uncompressed, or have the guest unpack it',
  );
  expect(() => unpackKernel('vmlinuz', Buffer.from('whatever'))).toThrow(/unknown \(starts with 776861746576\)/);
});

test('a size beyond 1 GiB is refused before anything is allocated', () => {
  const packed = Buffer.from(PACKED.zstd, 'base64');
  expect(() => unpackKernel('vmlinuz', withSize(packed, 0xf0000000))).toThrow(/would have 4026531840 bytes/);
});
