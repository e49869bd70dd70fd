// SPDX-License-Identifier: BSD-2-Clause
/**
 * xz, lz4 and zstd through the system's own libraries: Node's zlib lacks lz4 and xz, and the
 * packaged xz decoders refuse the x86 BCJ filter that kernel builds use. Libraries load on first use.
 */
import koffi from 'koffi';
import { BootError } from '../boot-error.js';

const UNLIMITED_MEMORY = 0xffffffffffffffffn;
const LZMA_OK = 0;

export function decodeXz(name: string, input: Uint8Array, outputSize: number): Uint8Array {
  const decode = libraryFunction(
    name,
    'liblzma.so.5',
    'liblzma5',
    'int lzma_stream_buffer_decode(uint64_t *memlimit, uint32_t flags, void *allocator, const uint8_t *in, size_t *in_pos, size_t in_size, uint8_t *out, size_t *out_pos, size_t out_size)',
  );
  const output = new Uint8Array(outputSize);
  const outputPosition = new BigUint64Array(1);
  const result = decode(
    new BigUint64Array([UNLIMITED_MEMORY]),
    0,
    null,
    input,
    new BigUint64Array(1),
    input.length,
    output,
    outputPosition,
    outputSize,
  );
  return complete(name, 'xz', output, result === LZMA_OK ? Number(outputPosition[0]) : -1);
}

export function decodeZstd(name: string, input: Uint8Array, outputSize: number): Uint8Array {
  const decode = libraryFunction(
    name,
    'libzstd.so.1',
    'libzstd1',
    'size_t ZSTD_decompress(uint8_t *dst, size_t dst_capacity, const uint8_t *src, size_t src_size)',
  );
  const output = new Uint8Array(outputSize);
  // An error is a size_t near its maximum, so it cannot be mistaken for the expected length.
  return complete(name, 'zstd', output, Number(decode(output, outputSize, input, input.length)));
}

/** One block of an LZ4 legacy frame; returns the number of bytes produced, negative if the block is bad. */
export function lz4BlockDecoder(name: string): (input: Uint8Array, output: Uint8Array) => number {
  const decode = libraryFunction(
    name,
    'liblz4.so.1',
    'liblz4-1',
    'int LZ4_decompress_safe(const uint8_t *src, uint8_t *dst, int src_size, int dst_capacity)',
  );
  return (input, output) => Number(decode(input, output, input.length, output.length));
}

function complete(name: string, format: string, output: Uint8Array, produced: number): Uint8Array {
  if (produced !== output.length) {
    throw new BootError(name, `the ${format} data of the compressed kernel is damaged`);
  }
  return output;
}

function libraryFunction(name: string, library: string, debianPackage: string, prototype: string) {
  try {
    return koffi.load(library).func(prototype);
  } catch (cause) {
    throw new BootError(
      name,
      `unpacking this kernel needs ${library}; install it (Debian: apt install ${debianPackage}) or have the guest unpack it`,
      { cause },
    );
  }
}
