// SPDX-License-Identifier: BSD-2-Clause
import type { RamLayout } from '../memory-map.js';

export interface PciBus {
  readonly bus: number;
  readonly slots: readonly number[];
}

/** What the tables tell the guest about its machine. */
export interface AcpiOptions {
  readonly cpus: number;
  readonly ram: RamLayout;
  /** Slot of the ISA (LPC) bridge on bus 0; its config space holds the PIRQ router. */
  readonly lpcSlot: number;
  /** Root buses besides bus 0, in the order of their numbers, and the slots on them that are in use. */
  readonly moreBuses: readonly PciBus[];
  /** COM ports present, 1 to 4. */
  readonly serialPorts: readonly number[];
  readonly hpet: boolean;
  readonly ps2: boolean;
  readonly fwCfg: boolean;
  /** Address of the 16-byte VM generation id, if the machine has one. */
  readonly vmGenerationId?: number;
}
