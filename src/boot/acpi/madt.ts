// SPDX-License-Identifier: BSD-2-Clause
/** Multiple APIC Description Table: LAPICs, one 32-pin I/O APIC, ISA overrides. Reference: ACPI 6.5, 5.2.12. */
import { IOAPIC_BASE, LAPIC_BASE } from '../memory-map.js';
import { joinBytes, Struct } from '../struct.js';
import { SCI_IRQ } from './fadt.js';
import type { AcpiOptions } from './options.js';
import { type AcpiTable, acpiTable, HEADER_SIZE, headedTable } from './table.js';

const PCAT_COMPAT = 1; // an 8259 pair is present as well
const ENABLED = 1;
const IOAPIC_ID = 0;
const ALL_PROCESSORS = 0xff;
const ALL_X2APIC_PROCESSORS = 0xffffffff;
const FIRST_X2APIC_ID = 255;
const BUS_DEFAULT = 0;
const EDGE_HIGH = 0x5;
const LEVEL_LOW = 0xf;

export function madt({ cpus }: Pick<AcpiOptions, 'cpus'>): AcpiTable {
  const entries = joinBytes(
    ...Array.from({ length: cpus }, (_, id) => localApic(id)),
    new Struct(12).u8(0, 1).u8(1, 12).u8(2, IOAPIC_ID).u32(4, IOAPIC_BASE).bytes,
    interruptOverride(0, 2, BUS_DEFAULT), // the 8254 is wired to pin 2, pin 0 to the 8259
    interruptOverride(SCI_IRQ, SCI_IRQ, LEVEL_LOW),
    new Struct(6).u8(0, 4).u8(1, 6).u8(2, ALL_PROCESSORS).u16(3, EDGE_HIGH).u8(5, 1).bytes, // NMI on LINT1
    ...(cpus > FIRST_X2APIC_ID
      ? [new Struct(12).u8(0, 10).u8(1, 12).u16(2, EDGE_HIGH).u32(4, ALL_X2APIC_PROCESSORS).u8(8, 1).bytes]
      : []),
  );
  const table = headedTable('APIC', 3, HEADER_SIZE + 8 + entries.length)
    .u32(36, LAPIC_BASE)
    .u32(40, PCAT_COMPAT)
    .put(44, entries);
  return acpiTable('APIC', table);
}

/** 5.2.12.2 and 5.2.12.12: ids from 255 on need the x2APIC form. */
function localApic(id: number): Uint8Array {
  return id < FIRST_X2APIC_ID
    ? new Struct(8).u8(0, 0).u8(1, 8).u8(2, id).u8(3, id).u32(4, ENABLED).bytes
    : new Struct(16).u8(0, 9).u8(1, 16).u32(4, id).u32(8, ENABLED).u32(12, id).bytes;
}

function interruptOverride(irq: number, pin: number, flags: number): Uint8Array {
  return new Struct(10).u8(0, 2).u8(1, 10).u8(3, irq).u32(4, pin).u16(8, flags).bytes;
}
