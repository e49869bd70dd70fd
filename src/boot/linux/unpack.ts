// SPDX-License-Identifier: BSD-2-Clause
/**
 * The compressed kernel inside a bzImage. Kernel builds append the unpacked size in four bytes to every
 * format but gzip, which ends in its own. LZ4 is the legacy frame: magic, then (u32 length, block) repeated.
 */
import { gunzipSync } from 'node:zlib';
import { BootError } from '../boot-error.js';
import { ImageReader } from '../image-reader.js';
import { decodeXz, decodeZstd, lz4BlockDecoder } from './system-decoders.js';

const LARGEST_KERNEL = 0x40000000;
const LZ4_BLOCK_MAX = 8 * 1024 * 1024;
const SIZE_FIELD = 4;

type Decoder = (name: string, packed: Uint8Array, size: number) => Uint8Array;

const FORMATS: readonly { name: string; magic: readonly number[]; decode: Decoder | null }[] = [
  { name: 'gzip', magic: [0x1f, 0x8b], decode: decodeGzip },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], decode: withoutSizeField(decodeXz) },
  { name: 'lz4', magic: [0x02, 0x21, 0x4c, 0x18], decode: withoutSizeField(decodeLz4Legacy) },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], decode: withoutSizeField(decodeZstd) },
  { name: 'uncompressed', magic: [0x7f, 0x45, 0x4c, 0x46], decode: (_, packed) => packed },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], decode: null },
  { name: 'lzma', magic: [0x5d, 0x00, 0x00], decode: null },
  { name: 'lzo', magic: [0x89, 0x4c, 0x5a, 0x4f], decode: null },
];

export function unpackKernel(name: string, packed: Uint8Array): Uint8Array {
  const format = FORMATS.find(({ magic }) => magic.every((byte, index) => packed[index] === byte));
  if (format === undefined || format.decode === null) {
    const found = format?.name ?? `unknown (starts with ${Buffer.from(packed.subarray(0, 6)).toString('hex')})`;
    const accepted = FORMATS.filter(({ decode }) => decode !== null).map((one) => one.name);
    throw new BootError(
      name,
      `the compression of the kernel is ${found}; accepted are ${accepted.join(', ')}, or have the guest unpack it`,
    );
  }
  const size = new ImageReader(name, packed).u32(packed.length - SIZE_FIELD, 'unpacked size');
  if (format.name !== 'uncompressed' && (size === 0 || size > LARGEST_KERNEL)) {
    throw new BootError(name, `the unpacked kernel would have ${size} bytes, accepted are 1 to ${LARGEST_KERNEL}`);
  }
  return format.decode(name, packed, size);
}

function withoutSizeField(decode: Decoder): Decoder {
  return (name, packed, size) => decode(name, packed.subarray(0, packed.length - SIZE_FIELD), size);
}

function decodeGzip(name: string, packed: Uint8Array, size: number): Uint8Array {
  try {
    return gunzipSync(packed, { maxOutputLength: size });
  } catch (cause) {
    throw new BootError(name, 'the gzip data of the compressed kernel is damaged', { cause });
  }
}

function decodeLz4Legacy(name: string, packed: Uint8Array, size: number): Uint8Array {
  const decodeBlock = lz4BlockDecoder(name);
  const reader = new ImageReader(name, packed);
  const output = new Uint8Array(size);
  let produced = 0;
  for (let at = 4; at < packed.length; ) {
    const length = reader.u32(at, 'lz4 block length');
    const block = reader.slice(at + 4, length, 'lz4 block');
    const bytes = decodeBlock(block, output.subarray(produced, produced + LZ4_BLOCK_MAX));
    if (bytes <= 0) {
      throw new BootError(name, `the lz4 data of the compressed kernel is damaged in the block at offset ${at}`);
    }
    produced += bytes;
    at += 4 + length;
  }
  if (produced !== size) {
    throw new BootError(name, `the lz4 data of the compressed kernel gives ${produced} bytes, ${size} are expected`);
  }
  return output;
}
