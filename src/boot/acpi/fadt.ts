// SPDX-License-Identifier: BSD-2-Clause
/** Fixed ACPI Description Table, revision 6.0. Reference: ACPI 6.5, 5.2.9; the port numbers are bhyve's. */
import type { Struct } from '../struct.js';
import type { AcpiOptions } from './options.js';
import { type AcpiTable, acpiTable, headedTable } from './table.js';

const SIZE = 276;
export const SCI_IRQ = 9;
const SMI_CMD = 0xb2;
const ACPI_ENABLE = 0xa0;
const ACPI_DISABLE = 0xa1;
const PM1A_EVT = { port: 0x400, length: 4 };
const PM1A_CNT = { port: 0x404, length: 2 };
const PM_TMR = { port: 0x408, length: 4 };
const GPE0 = { port: 0x40c, length: 2 };
const RESET_PORT = 0xcf9;
const RESET_VALUE = 6;
const CMOS_CENTURY = 0x32;
const C2_UNSUPPORTED = 101;
const C3_UNSUPPORTED = 1001;

const LEGACY_DEVICES = 1 << 0;
const HAS_8042 = 1 << 1;

const WBINVD = 1 << 0;
const PROC_C1 = 1 << 2;
const NO_SLEEP_BUTTON = 1 << 5;
const TMR_VAL_EXT = 1 << 8; // the timer has 32 bits
const RESET_REG_SUP = 1 << 10;
const FORCE_APIC_PHYSICAL_DESTINATION_MODE = 1 << 19;

const SYSTEM_IO = 1;
const ACCESS_BYTE = 1;
const ACCESS_WORD = 2;
const ACCESS_DWORD = 3;

export function fadt(options: Pick<AcpiOptions, 'ps2'>): AcpiTable {
  const table = headedTable('FACP', 6, SIZE)
    .u16(46, SCI_IRQ)
    .u32(48, SMI_CMD)
    .u8(52, ACPI_ENABLE)
    .u8(53, ACPI_DISABLE)
    .u32(56, PM1A_EVT.port)
    .u32(64, PM1A_CNT.port)
    .u32(76, PM_TMR.port)
    .u32(80, GPE0.port)
    .u8(88, PM1A_EVT.length)
    .u8(89, PM1A_CNT.length)
    .u8(91, PM_TMR.length)
    .u8(92, GPE0.length)
    .u16(96, C2_UNSUPPORTED)
    .u16(98, C3_UNSUPPORTED)
    .u8(108, CMOS_CENTURY)
    .u16(109, LEGACY_DEVICES | (options.ps2 ? HAS_8042 : 0)) // IAPC_BOOT_ARCH
    .u32(112, WBINVD | PROC_C1 | NO_SLEEP_BUTTON | TMR_VAL_EXT | RESET_REG_SUP | FORCE_APIC_PHYSICAL_DESTINATION_MODE)
    .u8(128, RESET_VALUE)
    .ascii(268, 'TSBHYVE', 8, '\0'); // hypervisor vendor identity
  ioAddress(table, 116, RESET_PORT, 1, ACCESS_BYTE);
  ioAddress(table, 148, PM1A_EVT.port, PM1A_EVT.length, ACCESS_WORD);
  ioAddress(table, 172, PM1A_CNT.port, PM1A_CNT.length, ACCESS_WORD);
  ioAddress(table, 208, PM_TMR.port, PM_TMR.length, ACCESS_DWORD);
  ioAddress(table, 220, GPE0.port, GPE0.length, ACCESS_BYTE);
  return acpiTable('FACP', table, [
    { at: 36, size: 4, to: 'FACS' },
    { at: 40, size: 4, to: 'DSDT' },
    { at: 140, size: 8, to: 'DSDT' },
  ]);
}

/** 5.2.3.2: Generic Address Structure. */
function ioAddress(table: Struct, at: number, port: number, length: number, access: number): void {
  table
    .u8(at, SYSTEM_IO)
    .u8(at + 1, length * 8)
    .u8(at + 3, access)
    .u64(at + 4, port);
}
