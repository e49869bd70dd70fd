// SPDX-License-Identifier: BSD-2-Clause
/** Which addresses the functions of each root bus may have; the same in ACPI and where BARs get their first addresses. */
import { type AddressRange, PCI_IO, PCI_MEM32, pciMem64, type RamLayout } from './memory-map.js';

export interface PciWindows {
  readonly io: AddressRange;
  readonly memory32: AddressRange;
  readonly memory64: AddressRange;
}

const IO_STEP = 0x20;
const MEMORY_STEP = 0x100000;

/** A bus that is alone has everything; several have equal parts, in the order of their numbers. */
export function pciWindows(ram: RamLayout, buses: readonly number[]): ReadonlyMap<number, PciWindows> {
  const count = buses.length;
  const part = ({ base, size }: AddressRange, index: number, step: number): AddressRange => {
    const length = count === 1 ? size : Math.floor(size / count / step) * step;
    return { base: base + index * length, size: length };
  };
  const windows = (index: number): PciWindows => ({
    io: part(PCI_IO, index, IO_STEP),
    memory32: part(PCI_MEM32, index, MEMORY_STEP),
    memory64: part(pciMem64(ram), index, MEMORY_STEP),
  });
  return new Map([...buses].sort((a, b) => a - b).map((bus, index) => [bus, windows(index)]));
}
