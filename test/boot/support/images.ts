// SPDX-License-Identifier: BSD-2-Clause
/** Small kernel images, built by the byte offsets of their formats, for the loaders to read. */

export interface TestSegment {
  readonly type?: number;
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly memorySize?: number;
}

export interface TestElf {
  readonly bits: 32 | 64;
  readonly entry: number;
  readonly segments: readonly TestSegment[];
}

export function elfImage({ bits, entry, segments }: TestElf): Buffer {
  const [headerSize, phSize] = bits === 64 ? [64, 56] : [52, 32];
  const dataAt = headerSize + phSize * segments.length;
  const header = Buffer.alloc(dataAt);
  header.write('\x7fELF', 0, 'latin1');
  header[4] = bits === 64 ? 2 : 1;
  header[5] = 1;
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(bits === 64 ? 62 : 3, 18);
  if (bits === 64) {
    header.writeBigUInt64LE(BigInt(entry), 24);
    header.writeBigUInt64LE(64n, 32);
    header.writeUInt16LE(phSize, 54);
    header.writeUInt16LE(segments.length, 56);
  } else {
    header.writeUInt32LE(entry, 24);
    header.writeUInt32LE(52, 28);
    header.writeUInt16LE(phSize, 42);
    header.writeUInt16LE(segments.length, 44);
  }
  let offset = dataAt;
  for (const [index, { type = 1, address, bytes, memorySize = bytes.length }] of segments.entries()) {
    const at = headerSize + index * phSize;
    header.writeUInt32LE(type, at);
    if (bits === 64) {
      const fields = [offset, address, address, bytes.length, memorySize, 4];
      for (const [field, value] of fields.entries()) {
        header.writeBigUInt64LE(BigInt(value), at + 8 + field * 8);
      }
    } else {
      const fields = [offset, address, address, bytes.length, memorySize, 7, 4];
      for (const [field, value] of fields.entries()) {
        header.writeUInt32LE(value, at + 4 + field * 4);
      }
    }
    offset += bytes.length;
  }
  return Buffer.concat([header, ...segments.map((segment) => segment.bytes)]);
}

/** One ELF note; the PVH entry point is owner "Xen", type 18. */
export function elfNote(owner: string, type: number, description: Uint8Array): Buffer {
  const name = Buffer.from(`${owner}\0`.padEnd(Math.ceil((owner.length + 1) / 4) * 4, '\0'), 'latin1');
  const head = Buffer.alloc(12);
  head.writeUInt32LE(owner.length + 1, 0);
  head.writeUInt32LE(description.length, 4);
  head.writeUInt32LE(type, 8);
  return Buffer.concat([head, name, description]);
}

export interface TestBzImage {
  readonly payload?: Uint8Array;
  readonly has64BitEntry?: boolean;
  readonly version?: number;
  readonly loadflags?: number;
  readonly initSize?: number;
  readonly initrdMax?: number;
  readonly commandLineMax?: number;
}

const PAYLOAD_OFFSET = 0x400;

/** Two setup sectors, then 0x400 bytes of "decompressor" and the payload. */
export function bzImage(options: TestBzImage = {}): Buffer {
  const payload = options.payload ?? new Uint8Array(0);
  const setup = Buffer.alloc(2 * 512);
  const code = Buffer.alloc(Math.ceil((PAYLOAD_OFFSET + payload.length) / 16) * 16, 0xcc);
  code.set(payload, PAYLOAD_OFFSET);
  setup.writeUInt8(1, 0x1f1);
  setup.writeUInt32LE(code.length / 16, 0x1f4);
  setup.writeUInt16LE(0xaa55, 0x1fe);
  setup.set([0xeb, 0x66], 0x200);
  setup.write('HdrS', 0x202, 'latin1');
  setup.writeUInt16LE(options.version ?? 0x020f, 0x206);
  setup.writeUInt8(options.loadflags ?? 0x01, 0x211);
  setup.writeUInt32LE(options.initrdMax ?? 0x7fffffff, 0x22c);
  setup.writeUInt16LE(options.has64BitEntry === false ? 0 : 1, 0x236);
  setup.writeUInt32LE(options.commandLineMax ?? 2047, 0x238);
  setup.writeUInt32LE(payload.length === 0 ? 0 : PAYLOAD_OFFSET, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  setup.writeBigUInt64LE(0x1000000n, 0x258);
  setup.writeUInt32LE(options.initSize ?? 0x100000, 0x260);
  return Buffer.concat([setup, code]);
}

/** A Multiboot 1 header with its checksum. */
export function multibootHeader(flags: number, addresses: readonly number[] = []): Buffer {
  const header = Buffer.alloc(12 + addresses.length * 4);
  header.writeUInt32LE(0x1badb002, 0);
  header.writeUInt32LE(flags, 4);
  header.writeUInt32LE((0x100000000 - ((0x1badb002 + flags) % 0x100000000)) % 0x100000000, 8);
  for (const [index, address] of addresses.entries()) {
    header.writeUInt32LE(address, 12 + index * 4);
  }
  return header;
}
