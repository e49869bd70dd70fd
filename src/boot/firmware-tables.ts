// SPDX-License-Identifier: BSD-2-Clause
/** The tables a PC firmware leaves in the 0xF0000 segment, for machines that boot a kernel without firmware. */
import type { AcpiOptions } from './acpi/options.js';
import { acpiTables, placeTables } from './acpi/place-tables.js';
import type { PlannedWrite } from './boot-plan.js';
import { ACPI_BASE, FIRMWARE_TABLES_END } from './memory-map.js';
import { mpTable } from './mptable.js';
import { smbiosTables } from './smbios.js';
import type { SmbiosOptions } from './smbios-structures.js';

export interface FirmwareTablesOptions {
  readonly acpi: AcpiOptions | null;
  readonly smbios: SmbiosOptions | null;
  /** Number of CPUs the MP table lists. */
  readonly mpTableCpus: number | null;
}

export function firmwareTables({ acpi, smbios, mpTableCpus }: FirmwareTablesOptions): PlannedWrite[] {
  return [
    ...(mpTableCpus === null ? [] : mpTable(mpTableCpus)),
    ...(smbios === null ? [] : smbiosTables(smbios)),
    ...(acpi === null ? [] : placeTables(acpiTables(acpi), ACPI_BASE, FIRMWARE_TABLES_END)),
  ];
}
