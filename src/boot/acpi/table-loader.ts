// SPDX-License-Identifier: BSD-2-Clause
/**
 * The ACPI tables as fw_cfg files for OVMF and SeaBIOS, which choose the addresses themselves and
 * follow a script to link the tables. Reference: QEMU hw/acpi/bios-linker-loader.c describes the
 * 128-byte commands: allocate a file, add a file's address to a pointer, compute a checksum.
 */
import { alignUp } from '../../core/bits.js';
import { joinBytes, Struct } from '../struct.js';
import type { AcpiTable } from './table.js';

export const TABLES_FILE = 'etc/acpi/tables';
export const RSDP_FILE = 'etc/acpi/rsdp';
export const LOADER_FILE = 'etc/table-loader';

const COMMAND_SIZE = 128;
const NAME_SIZE = 56;
const ALLOCATE = 1;
const ADD_POINTER = 2;
const ADD_CHECKSUM = 3;
const ZONE_HIGH = 1;
const ZONE_F_SEGMENT = 2;
const LARGEST_ALIGN = 64;
const RSDP_ALIGN = 16;

interface FileLayout {
  readonly file: string;
  readonly bytes: Struct;
  readonly offsets: ReadonlyMap<string, number>;
  readonly tables: readonly AcpiTable[];
}

export function tableLoaderFiles(tables: readonly AcpiTable[]): ReadonlyMap<string, Uint8Array> {
  const rsdp = layOut(
    RSDP_FILE,
    tables.filter((table) => table.signature === 'RSDP'),
  );
  const others = layOut(
    TABLES_FILE,
    tables.filter((table) => table.signature !== 'RSDP'),
  );
  const commands = [
    allocate(RSDP_FILE, RSDP_ALIGN, ZONE_F_SEGMENT),
    allocate(TABLES_FILE, LARGEST_ALIGN, ZONE_HIGH),
    ...link(rsdp, others.offsets),
    ...link(others, others.offsets),
    // A table's checksum covers its pointers, so they come first.
    ...checksums(others),
    ...checksums(rsdp),
  ];
  return new Map([
    [RSDP_FILE, rsdp.bytes.bytes],
    [TABLES_FILE, others.bytes.bytes],
    [LOADER_FILE, joinBytes(...commands)],
  ]);
}

function layOut(file: string, tables: readonly AcpiTable[]): FileLayout {
  const offsets = new Map<string, number>();
  let size = 0;
  for (const table of tables) {
    const offset = alignUp(size, table.align);
    offsets.set(table.signature, offset);
    size = offset + table.bytes.length;
  }
  const bytes = new Struct(size);
  for (const table of tables) {
    bytes.put(offsets.get(table.signature) ?? 0, table.bytes);
  }
  return { file, bytes, offsets, tables };
}

/** Each pointer starts as the target's offset in its file; the firmware adds where it put that file. */
function link(layout: FileLayout, targets: ReadonlyMap<string, number>): Uint8Array[] {
  return layout.tables.flatMap((table) =>
    table.pointers.map(({ at, size, to }) => {
      const target = targets.get(to);
      if (target === undefined) {
        throw new RangeError(`ACPI ${table.signature} points to ${to}, which is not among the tables`);
      }
      const field = (layout.offsets.get(table.signature) ?? 0) + at;
      if (size === 4) {
        layout.bytes.u32(field, target);
      } else {
        layout.bytes.u64(field, target);
      }
      return command(ADD_POINTER)
        .ascii(4, layout.file, NAME_SIZE, '\0')
        .ascii(60, TABLES_FILE, NAME_SIZE, '\0')
        .u32(116, field)
        .u8(120, size).bytes;
    }),
  );
}

function checksums({ file, offsets, tables }: FileLayout): Uint8Array[] {
  return tables.flatMap((table) => {
    const start = offsets.get(table.signature) ?? 0;
    return table.checksums.map(
      ({ at, length }) =>
        command(ADD_CHECKSUM)
          .ascii(4, file, NAME_SIZE, '\0')
          .u32(60, start + at)
          .u32(64, start)
          .u32(68, length).bytes,
    );
  });
}

function allocate(file: string, align: number, zone: number): Uint8Array {
  return command(ALLOCATE).ascii(4, file, NAME_SIZE, '\0').u32(60, align).u8(64, zone).bytes;
}

function command(kind: number): Struct {
  return new Struct(COMMAND_SIZE).u32(0, kind);
}
