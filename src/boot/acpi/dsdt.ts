// SPDX-License-Identifier: BSD-2-Clause
/**
 * The Differentiated System Description Table: PCI root, interrupt routing, ISA devices, soft off.
 * Reference: ACPI 6.5, 5.2.11.1; windows as in `memory-map.ts`.
 */
import { type AddressRange, PCI_IO, VGA_WINDOW } from '../memory-map.js';
import { PCI_SLOTS } from '../pci-routing.js';
import { type PciWindows, pciWindows } from '../pci-windows.js';
import * as aml from './aml.js';
import { busWindow, io, ioWindow, memoryWindow32, memoryWindow64, resourceTemplate } from './aml-resources.js';
import { fwCfgDevice, hpetDevice, isaBridge } from './dsdt-isa.js';
import { oscMethod } from './dsdt-osc.js';
import { linkDevices, picModeMethod, routingTable } from './dsdt-pirq.js';
import { vmGenerationDevice, vmGenerationEvent } from './dsdt-vmgenid.js';
import type { AcpiOptions, PciBus } from './options.js';
import { type AcpiTable, acpiTable, HEADER_SIZE, headedTable } from './table.js';

const REVISION_64_BIT_INTEGERS = 2;
const S5_SLP_TYP = 5;
const LAST_BUS = 255;
/** All of bus 0, so that its part of the table does not depend on which devices are present. */
const BUS_0: PciBus = { bus: 0, slots: Array.from({ length: PCI_SLOTS }, (_, slot) => slot) };

export function dsdt(options: AcpiOptions): AcpiTable {
  const { vmGenerationId } = options;
  const body = Uint8Array.from(
    [
      aml.name('_S5', aml.packageList(aml.integer(S5_SLP_TYP), aml.integer(0))),
      ...picModeMethod(),
      aml.scope(
        '\\_SB',
        ...pciRoots(options),
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

/** Each root bus is a bridge of its own, with the numbers up to the next one and its part of the addresses. */
function pciRoots(options: AcpiOptions): aml.Aml[] {
  const buses = [BUS_0, ...options.moreBuses];
  const windows = pciWindows(
    options.ram,
    buses.map(({ bus }) => bus),
  );
  return buses.flatMap((bus, index) => {
    const own = windows.get(bus.bus);
    const last = (buses[index + 1]?.bus ?? LAST_BUS + 1) - 1;
    return own === undefined ? [] : [pciRoot(options, bus, last, own)];
  });
}

function pciRoot(options: AcpiOptions, { bus, slots }: PciBus, last: number, windows: PciWindows): aml.Aml {
  const isFirst = bus === 0;
  return aml.device(
    isFirst ? 'PCI0' : `PC${bus.toString(16).toUpperCase().padStart(2, '0')}`,
    aml.name('_HID', aml.eisaId('PNP0A08')), // PCI Express root
    aml.name('_CID', aml.eisaId('PNP0A03')),
    aml.name('_UID', aml.integer(bus)),
    aml.name('_SEG', aml.integer(0)),
    aml.name('_BBN', aml.integer(bus)),
    aml.name(
      '_CRS',
      resourceTemplate(
        busWindow(bus, last),
        ...(isFirst ? [io(0xcf8, 8), ioWindow(0, 0xcf7), ioWindow(0xd00, PCI_IO.base - 1)] : []),
        ioWindow(...ends(windows.io)),
        ...(isFirst ? [memoryWindow32(...ends(VGA_WINDOW))] : []),
        memoryWindow32(...ends(windows.memory32)),
        memoryWindow64(...ends(windows.memory64)),
      ),
    ),
    oscMethod(),
    ...routingTable(bus, slots),
    ...(isFirst ? [isaBridge(options)] : []),
  );
}

function ends({ base, size }: AddressRange): [first: number, last: number] {
  return [base, base + size - 1];
}
