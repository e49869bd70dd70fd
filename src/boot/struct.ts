// SPDX-License-Identifier: BSD-2-Clause
/**
 * A little-endian structure of fixed size, filled in by the offsets its specification lists.
 * Offsets are ours, never the guest's: one outside the structure is a programming error (RangeError).
 */
export class Struct {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(at: number, value: number): this {
    this.view.setUint8(at, value);
    return this;
  }

  u16(at: number, value: number): this {
    this.view.setUint16(at, value, true);
    return this;
  }

  u32(at: number, value: number): this {
    this.view.setUint32(at, value, true);
    return this;
  }

  u64(at: number, value: number | bigint): this {
    this.view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  /** Text cut or padded to a fixed field. */
  ascii(at: number, text: string, length: number, padding = ' '): this {
    return this.put(at, Buffer.from(text.slice(0, length).padEnd(length, padding), 'latin1'));
  }

  put(at: number, bytes: Uint8Array): this {
    this.bytes.set(bytes, at);
    return this;
  }
}

/** The byte that makes the sum of `bytes` zero modulo 256, as ACPI, SMBIOS and the MP table want it. */
export function checksum(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}

export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
