// SPDX-License-Identifier: BSD-2-Clause
/**
 * The Differentiated System Description Table: PCI root, interrupt routing, ISA devices, soft off.
 * Reference: ACPI 6.5, 5.2.11.1; windows as in `memory-map.ts`.
 */
import { PCI_IO, PCI_MEM32, pciMem64, VGA_WINDOW } from '../memory-map.js';
import * as aml from './aml.js';
import { busWindow, io, ioWindow, memoryWindow32, memoryWindow64, resourceTemplate } from './aml-resources.js';
import { fwCfgDevice, hpetDevice, isaBridge } from './dsdt-isa.js';
import { oscMethod } from './dsdt-osc.js';
import { linkDevices, picModeMethod, routingTable } from './dsdt-pirq.js';
import { vmGenerationDevice, vmGenerationEvent } from './dsdt-vmgenid.js';
import type { AcpiOptions } from './options.js';
import { type AcpiTable, acpiTable, HEADER_SIZE, headedTable } from './table.js';

const REVISION_64_BIT_INTEGERS = 2;
const S5_SLP_TYP = 5;

export function dsdt(options: AcpiOptions): AcpiTable {
  const { vmGenerationId } = options;
  const body = Uint8Array.from(
    [
      aml.name('_S5', aml.packageList(aml.integer(S5_SLP_TYP), aml.integer(0))),
      ...picModeMethod(),
      aml.scope(
        '\\_SB',
        pciRoot(options),
        ...linkDevices(),
        ...(options.hpet ? [hpetDevice()] : []),
        ...(options.fwCfg ? [fwCfgDevice()] : []),
        ...(vmGenerationId === undefined ? [] : [vmGenerationDevice(vmGenerationId)]),
      ),
      ...(vmGenerationId === undefined ? [] : [vmGenerationEvent()]),
    ].flat(),
  );
  const table = headedTable('DSDT', REVISION_64_BIT_INTEGERS, HEADER_SIZE + body.length).put(HEADER_SIZE, body);
  return acpiTable('DSDT', table);
}

function pciRoot(options: AcpiOptions): aml.Aml {
  const mem64 = pciMem64(options.ram);
  return aml.device(
    'PCI0',
    aml.name('_HID', aml.eisaId('PNP0A08')), // PCI Express root
    aml.name('_CID', aml.eisaId('PNP0A03')),
    aml.name('_UID', aml.integer(0)),
    aml.name('_SEG', aml.integer(0)),
    aml.name('_BBN', aml.integer(0)),
    aml.name(
      '_CRS',
      resourceTemplate(
        busWindow(0, 255),
        io(0xcf8, 8),
        ioWindow(0, 0xcf7),
        ioWindow(0xd00, PCI_IO.base - 1),
        ioWindow(PCI_IO.base, PCI_IO.base + PCI_IO.size - 1),
        memoryWindow32(VGA_WINDOW.base, VGA_WINDOW.base + VGA_WINDOW.size - 1),
        memoryWindow32(PCI_MEM32.base, PCI_MEM32.base + PCI_MEM32.size - 1),
        memoryWindow64(mem64.base, mem64.base + mem64.size - 1),
      ),
    ),
    oscMethod(),
    ...routingTable(),
    isaBridge(options),
  );
}
