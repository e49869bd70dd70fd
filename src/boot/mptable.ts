// SPDX-License-Identifier: BSD-2-Clause
/**
 * The MP table, for guests without ACPI. Reference: Intel MultiProcessor Specification 1.4, chapter 4.
 * It describes bus 0 only and LAPIC ids below 255; guests with ACPI do not read it.
 */
import { BootError } from './boot-error.js';
import type { PlannedWrite } from './boot-plan.js';
import { IOAPIC_BASE, LAPIC_BASE, MPTABLE_BASE, SMBIOS_BASE } from './memory-map.js';
import { PCI_PINS, PCI_SLOTS, pirqGsi } from './pci-routing.js';
import { checksum, joinBytes, Struct } from './struct.js';

const POINTER_SIZE = 16;
const HEADER_SIZE = 44;
const SPEC_REVISION_1_4 = 4;
const APIC_VERSION = 0x14;
const IOAPIC_VERSION = 0x11;
const IOAPIC_ID = 0;
const ALL_LAPICS = 0xff;
const PCI_BUS = 0;
const ISA_BUS = 1;
const SCI_IRQ = 9;
const MAX_CPUS = 128;

const CPU_ENABLED = 1;
const CPU_BOOTSTRAP = 2;
const FEATURES_FPU_APIC = 0x201;

const INT = 0;
const NMI = 1;
const EXTINT = 3;
const CONFORMS_TO_BUS = 0x0;
const LEVEL_LOW = 0xf;

export function mpTable(cpus: number): PlannedWrite[] {
  if (cpus > MAX_CPUS) {
    throw new BootError('MP table', `${cpus} CPUs; at most ${MAX_CPUS} fit, switch the MP table off`);
  }
  const entries = [
    ...Array.from({ length: cpus }, (_, id) => processor(id)),
    bus(PCI_BUS, 'PCI'),
    bus(ISA_BUS, 'ISA'),
    new Struct(8).u8(0, 2).u8(1, IOAPIC_ID).u8(2, IOAPIC_VERSION).u8(3, 1).u32(4, IOAPIC_BASE).bytes,
    ...isaInterrupts(),
    ...pciInterrupts(),
    interrupt(4, EXTINT, CONFORMS_TO_BUS, ISA_BUS, 0, ALL_LAPICS, 0), // 8259 on LINT0
    interrupt(4, NMI, CONFORMS_TO_BUS, ISA_BUS, 0, ALL_LAPICS, 1),
  ];
  const body = joinBytes(...entries);
  const size = HEADER_SIZE + body.length;
  const table = new Struct(size)
    .ascii(0, 'PCMP', 4)
    .u16(4, size)
    .u8(6, SPEC_REVISION_1_4)
    .ascii(8, 'TSBHYVE', 8)
    .ascii(16, 'VIRTUAL PC', 12)
    .u16(34, entries.length)
    .u32(36, LAPIC_BASE)
    .put(HEADER_SIZE, body);
  table.u8(7, checksum(table.bytes));

  const pointer = new Struct(POINTER_SIZE)
    .ascii(0, '_MP_', 4)
    .u32(4, MPTABLE_BASE + POINTER_SIZE)
    .u8(8, 1)
    .u8(9, SPEC_REVISION_1_4);
  pointer.u8(10, checksum(pointer.bytes));

  const bytes = joinBytes(pointer.bytes, table.bytes);
  if (MPTABLE_BASE + bytes.length > SMBIOS_BASE) {
    throw new BootError('MP table', `it takes ${bytes.length} bytes, ${SMBIOS_BASE - MPTABLE_BASE} fit`);
  }
  return [{ what: 'MP table', address: MPTABLE_BASE, bytes }];
}

function processor(id: number): Uint8Array {
  return new Struct(20)
    .u8(1, id)
    .u8(2, APIC_VERSION)
    .u8(3, CPU_ENABLED | (id === 0 ? CPU_BOOTSTRAP : 0))
    .u32(4, 0x600) // family 6; CPUID says the rest
    .u32(8, FEATURES_FPU_APIC).bytes;
}

function bus(id: number, type: string): Uint8Array {
  return new Struct(8).u8(0, 1).u8(1, id).ascii(2, type, 6).bytes;
}

/** IRQ 0 is wired to pin 2 and the cascade, IRQ 2, to none. */
function isaInterrupts(): Uint8Array[] {
  return Array.from({ length: 16 }, (_, irq) => irq)
    .filter((irq) => irq !== 2)
    .map((irq) =>
      interrupt(3, INT, irq === SCI_IRQ ? LEVEL_LOW : CONFORMS_TO_BUS, ISA_BUS, irq, IOAPIC_ID, irq === 0 ? 2 : irq),
    );
}

/** 4.3.4, appendix D.3: a PCI source is (slot << 2) | pin. */
function pciInterrupts(): Uint8Array[] {
  return Array.from({ length: PCI_SLOTS * PCI_PINS }, (_, source) =>
    interrupt(3, INT, LEVEL_LOW, PCI_BUS, source, IOAPIC_ID, pirqGsi(PCI_BUS, source >> 2, source & 3)),
  );
}

function interrupt(
  entry: number,
  type: number,
  flags: number,
  sourceBus: number,
  sourceIrq: number,
  target: number,
  pin: number,
): Uint8Array {
  return new Struct(8).u8(0, entry).u8(1, type).u16(2, flags).u8(4, sourceBus).u8(5, sourceIrq).u8(6, target).u8(7, pin)
    .bytes;
}
