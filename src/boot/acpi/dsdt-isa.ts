// SPDX-License-Identifier: BSD-2-Clause
/** The ISA bridge of the DSDT and the fixed-port devices behind it. Reference: ACPI 6.5, 5.6.7 and 6.1.5. */
import { HPET_BASE, PCI_ECAM } from '../memory-map.js';
import * as aml from './aml.js';
import { io, irqNoFlags, memory32Fixed, resourceTemplate } from './aml-resources.js';
import { pirqRegisters } from './dsdt-pirq.js';
import type { AcpiOptions } from './options.js';

const COM_PORTS = [
  { base: 0x3f8, irq: 4 },
  { base: 0x2f8, irq: 3 },
  { base: 0x3e8, irq: 4 },
  { base: 0x2e8, irq: 3 },
];

export function isaBridge(options: AcpiOptions): aml.Aml {
  return aml.device(
    'ISA',
    aml.name('_ADR', aml.integer(options.lpcSlot * 0x10000)),
    ...pirqRegisters(),
    isaDevice('PIC', 'PNP0000', io(0x20, 2), io(0xa0, 2), io(0x4d0, 2), irqNoFlags(2)),
    isaDevice('TIMR', 'PNP0100', io(0x40, 4), irqNoFlags(0)),
    isaDevice('RTC', 'PNP0B00', io(0x70, 2), io(0x72, 6), irqNoFlags(8)),
    ...(options.ps2
      ? [
          isaDevice('KBD', 'PNP0303', io(0x60, 1), io(0x64, 1), irqNoFlags(1)),
          isaDevice('MOU', 'PNP0F13', irqNoFlags(12)),
        ]
      : []),
    ...serialPorts(options.serialPorts),
    motherboard(),
  );
}

export function hpetDevice(): aml.Aml {
  return isaDevice('HPET', 'PNP0103', memory32Fixed(HPET_BASE, 0x400));
}

/** QEMU's fw_cfg, which its guests' drivers look up by this _HID. */
export function fwCfgDevice(): aml.Aml {
  return aml.device(
    'FWCF',
    aml.name('_HID', aml.string('QEMU0002')),
    aml.name('_STA', aml.integer(0x0b)),
    aml.name('_CRS', resourceTemplate(io(0x510, 2))),
  );
}

function serialPorts(ports: readonly number[]): aml.Aml[] {
  return COM_PORTS.flatMap(({ base, irq }, index) =>
    ports.includes(index + 1)
      ? [
          aml.device(
            `COM${index + 1}`,
            aml.name('_HID', aml.eisaId('PNP0501')),
            aml.name('_UID', aml.integer(index + 1)),
            aml.name('_CRS', resourceTemplate(io(base, 8), irqNoFlags(irq))),
          ),
        ]
      : [],
  );
}

/** Ports and memory no other device claims, so that the guest places nothing over them. */
function motherboard(): aml.Aml {
  return isaDevice(
    'MBRD',
    'PNP0C02',
    io(0x61, 1),
    io(0x80, 1),
    io(0x92, 1),
    io(0xb2, 2),
    io(0x400, 0x10),
    memory32Fixed(PCI_ECAM.base, PCI_ECAM.size),
  );
}

function isaDevice(name: string, hid: string, ...resources: readonly aml.Aml[]): aml.Aml {
  return aml.device(name, aml.name('_HID', aml.eisaId(hid)), aml.name('_CRS', resourceTemplate(...resources)));
}
