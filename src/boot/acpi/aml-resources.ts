// SPDX-License-Identifier: BSD-2-Clause
/** Resource descriptors for _CRS and _PRS. Reference: ACPI 6.5, 6.4 "Resource Data Types for ACPI". */
import { type Aml, buffer, littleEndian } from './aml.js';

const END_TAG = [0x79, 0x00];
const DECODES_16_BITS = 0x01;
const READ_WRITE = 0x01;
const FIXED_RANGE = 0x0c; // both ends fixed, positive decode, produced for child devices
const ENTIRE_IO_RANGE = 0x03;
const LEVEL_LOW_SHARED = 0x18;

const MEMORY_RANGE = 0;
const IO_RANGE = 1;
const BUS_RANGE = 2;

export function resourceTemplate(...descriptors: readonly Aml[]): Aml {
  return buffer([...descriptors.flat(), ...END_TAG]);
}

export function io(base: number, length: number): Aml {
  return [0x47, DECODES_16_BITS, ...littleEndian(base, 2), ...littleEndian(base, 2), 0x01, length];
}

/** An edge-triggered, active-high ISA interrupt. */
export function irqNoFlags(irq: number): Aml {
  return [0x22, ...littleEndian(1 << irq, 2)];
}

/** A level-triggered, active-low, shared interrupt: any one of the list. */
export function pciIrq(irqs: readonly number[]): Aml {
  return [
    0x23,
    ...littleEndian(
      irqs.reduce((mask, irq) => mask | (1 << irq), 0),
      2,
    ),
    LEVEL_LOW_SHARED,
  ];
}

export function memory32Fixed(base: number, length: number): Aml {
  return [0x86, 0x09, 0x00, READ_WRITE, ...littleEndian(base, 4), ...littleEndian(length, 4)];
}

export function busWindow(first: number, last: number): Aml {
  return addressSpace(0x88, 2, BUS_RANGE, 0, first, last);
}

export function ioWindow(first: number, last: number): Aml {
  return addressSpace(0x88, 2, IO_RANGE, ENTIRE_IO_RANGE, first, last);
}

export function memoryWindow32(first: number, last: number): Aml {
  return addressSpace(0x87, 4, MEMORY_RANGE, READ_WRITE, first, last);
}

export function memoryWindow64(first: number, last: number): Aml {
  return addressSpace(0x8a, 8, MEMORY_RANGE, READ_WRITE, first, last);
}

/** 6.4.3.5: word, dword and qword address space descriptors differ in the width of their five numbers only. */
function addressSpace(tag: number, width: number, kind: number, typeFlags: number, first: number, last: number): Aml {
  const numbers = [0, first, last, 0, last - first + 1].flatMap((value) => littleEndian(value, width));
  return [tag, ...littleEndian(3 + numbers.length, 2), kind, FIXED_RANGE, typeFlags, ...numbers];
}
