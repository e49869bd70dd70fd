// SPDX-License-Identifier: BSD-2-Clause
/**
 * PCI interrupt routing in the DSDT: link devices over the PIRQ registers of the ISA bridge for the
 * 8259s, direct I/O APIC pins otherwise. The guest says which by calling \_PIC.
 * Reference: ACPI 6.5, 5.8.1 "_PIC", 6.2.13 "_PRT"; PIRQ registers as in the Intel PIIX and ICH bridges.
 */
import { PCI_PINS, PIRQ_COUNT, pirqGsi, pirqLink } from '../pci-routing.js';
import * as aml from './aml.js';
import { pciIrq, resourceTemplate } from './aml-resources.js';

/** Legal PIRQ interrupts less those the ISA devices and the SCI own. */
const LINK_IRQS = [5, 6, 7, 10, 11, 14, 15];
const LINK_DISABLED = 0x80;
const STATUS_ENABLED = 0x0b; // present, enabled, functioning
const STATUS_DISABLED = 0x09;
const IRQ_MASK_AT = 1; // offset of the 16-bit mask in an IRQ descriptor

const letter = (link: number) => String.fromCharCode(0x41 + link);
const linkDevice = (link: number) => `LNK${letter(link)}`;
const pirqRegister = (link: number) => `PIR${letter(link)}`;
const registerPath = (link: number) => aml.ref(`\\_SB.PCI0.ISA.${pirqRegister(link)}`);

/** PIRQA-D at config offset 0x60, PIRQE-H at 0x68. */
export function pirqRegisters(): aml.Aml[] {
  const byte = (link: number) => ({ name: pirqRegister(link), bits: 8 });
  return [
    aml.pciConfigRegion('PIRQ', 0x60, 0x0c),
    aml.byteFields('PIRQ', [...[0, 1, 2, 3].map(byte), { name: null, bits: 32 }, ...[4, 5, 6, 7].map(byte)]),
  ];
}

export function picModeMethod(): aml.Aml[] {
  return [aml.name('PICM', aml.integer(0)), aml.method('_PIC', { args: 1 }, aml.store(aml.arg0, aml.ref('PICM')))];
}

export function linkDevices(): aml.Aml[] {
  return Array.from({ length: PIRQ_COUNT }, (_, link) => {
    const register = registerPath(link);
    return aml.device(
      linkDevice(link),
      aml.name('_HID', aml.eisaId('PNP0C0F')),
      aml.name('_UID', aml.integer(link + 1)),
      aml.name('_PRS', resourceTemplate(pciIrq(LINK_IRQS))),
      aml.name('CURR', resourceTemplate(pciIrq([]))),
      aml.createWordField(aml.ref('CURR'), IRQ_MASK_AT, 'CMSK'),
      aml.method(
        '_STA',
        {},
        aml.ifTrue(aml.and(register, aml.integer(LINK_DISABLED)), aml.returnValue(aml.integer(STATUS_DISABLED))),
        aml.returnValue(aml.integer(STATUS_ENABLED)),
      ),
      aml.method('_DIS', {}, aml.store(aml.integer(LINK_DISABLED), register)),
      aml.method(
        '_CRS',
        { serialized: true },
        aml.ifTrue(aml.and(register, aml.integer(LINK_DISABLED)), aml.store(aml.integer(0), aml.ref('CMSK'))),
        aml.otherwise(aml.store(aml.shiftLeft(aml.integer(1), aml.and(register, aml.integer(0x0f))), aml.ref('CMSK'))),
        aml.returnValue(aml.ref('CURR')),
      ),
      aml.method(
        '_SRS',
        { args: 1, serialized: true },
        aml.createWordField(aml.arg0, IRQ_MASK_AT, 'SMSK'),
        aml.findSetRightBit(aml.ref('SMSK'), aml.local0),
        aml.ifTrue(aml.local0, aml.decrement(aml.local0), aml.store(aml.local0, register)),
        aml.otherwise(aml.store(aml.integer(LINK_DISABLED), register)),
      ),
    );
  });
}

/** For the pins of these slots. */
export function routingTable(bus: number, slots: readonly number[]): aml.Aml[] {
  const routes = (target: (slot: number, pin: number) => aml.Aml[]) =>
    aml.packageList(
      ...slots.flatMap((slot) =>
        Array.from({ length: PCI_PINS }, (_, pin) => {
          const anyFunction = slot * 0x10000 + 0xffff;
          return aml.packageList(aml.integer(anyFunction), aml.integer(pin), ...target(slot, pin));
        }),
      ),
    );
  return [
    aml.name(
      'PPRT',
      routes((slot, pin) => [aml.ref(`\\_SB.${linkDevice(pirqLink(bus, slot, pin))}`), aml.integer(0)]),
    ),
    aml.name(
      'APRT',
      routes((slot, pin) => [aml.integer(0), aml.integer(pirqGsi(bus, slot, pin))]),
    ),
    aml.method(
      '_PRT',
      {},
      aml.ifTrue(aml.ref('\\PICM'), aml.returnValue(aml.ref('APRT'))),
      aml.returnValue(aml.ref('PPRT')),
    ),
  ];
}
