// SPDX-License-Identifier: BSD-2-Clause
/** How PCI interrupt pins reach the interrupt controllers; the same in ACPI, the MP table and the board. */

export const PIRQ_COUNT = 8;
const FIRST_PIRQ_GSI = 16;
export const PCI_SLOTS = 32;
export const PCI_PINS = 4;

/** `pin` counts from 0 for INTA, as in _PRT. Link A..H is 0..7. bhyve with a boot ROM routes bus 0 alike. */
export function pirqLink(bus: number, slot: number, pin: number): number {
  return (4 + bus + slot + pin + 1) % PIRQ_COUNT;
}

/** The I/O APIC pin, wired to the PIRQ line directly. */
export function pirqGsi(bus: number, slot: number, pin: number): number {
  return FIRST_PIRQ_GSI + pirqLink(bus, slot, pin);
}
