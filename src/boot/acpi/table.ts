// SPDX-License-Identifier: BSD-2-Clause
/**
 * What the ACPI tables have in common. A table is built without knowing any address: it lists the
 * fields that hold another table's address, and `place-tables.ts` or the fw_cfg loader fills them in.
 * Reference: ACPI 6.5, 5.2.6 "System Description Table Header".
 */
import { Struct } from '../struct.js';

export const HEADER_SIZE = 36;
export const OEM_ID = 'TSBHYV';
const OEM_TABLE_ID = 'TSBHYVE';
const OEM_REVISION = 1;
const CREATOR_ID = 'TSBH';
const CREATOR_REVISION = 1;
export const CHECKSUM_OFFSET = 9;

export interface TablePointer {
  readonly at: number;
  readonly size: 4 | 8;
  readonly to: string;
}

export interface ChecksumField {
  readonly at: number;
  readonly length: number;
}

export interface AcpiTable {
  readonly signature: string;
  readonly bytes: Uint8Array;
  readonly align: number;
  readonly pointers: readonly TablePointer[];
  readonly checksums: readonly ChecksumField[];
}

export function headedTable(signature: string, revision: number, size: number): Struct {
  return new Struct(size)
    .ascii(0, signature, 4)
    .u32(4, size)
    .u8(8, revision)
    .ascii(10, OEM_ID, 6)
    .ascii(16, OEM_TABLE_ID, 8)
    .u32(24, OEM_REVISION)
    .ascii(28, CREATOR_ID, 4)
    .u32(32, CREATOR_REVISION);
}

export function acpiTable(signature: string, { bytes }: Struct, pointers: readonly TablePointer[] = []): AcpiTable {
  return { signature, bytes, align: 16, pointers, checksums: [{ at: CHECKSUM_OFFSET, length: bytes.length }] };
}
