// SPDX-License-Identifier: BSD-2-Clause
/** Puts the configured functions into their slots and wires their interrupt pins to the LPC bridge's router. */
import { BarDecoder } from '../../devices/pci/bars.js';
import { LpcBridge } from '../../devices/pci/lpc-bridge.js';
import { pciAddress } from '../../devices/pci/pci-function.js';
import type { IntxPin } from '../../devices/pci/pirq-router.js';
import { type IrqLine, nullLine } from '../core/irq-line.js';
import type { Logger } from '../core/log.js';
import type { MemoryBus } from '../core/memory-bus.js';
import type { PortBus } from '../core/port-bus.js';
import { type PciDeviceConfig, pciDeviceId } from './config.js';
import type { InterruptWiring } from './interrupt-wiring.js';
import { createPciDevice, type PciDevice } from './pci-devices.js';
import type { VirtioContext } from './virtio-devices.js';

export interface PciSlotsParts {
  readonly ports: PortBus;
  readonly mmio: MemoryBus;
  readonly log: Logger;
  readonly wiring: InterruptWiring;
  readonly virtio: VirtioContext;
}

const LPC = 'lpc';

export class PciSlots {
  /** In the order of their addresses. */
  readonly devices: readonly PciDevice[];

  constructor(configs: readonly PciDeviceConfig[], { ports, mmio, log, wiring, virtio }: PciSlotsParts) {
    const decoder = new BarDecoder(ports, mmio, log);
    const made: PciDevice[] = [];
    const create = (config: PciDeviceConfig, intx: IrqLine): void => {
      const id = pciDeviceId(config);
      const { bus = 0, slot, fn } = config;
      const isMultiFunction = configs.some((other) => isSameSlot(other, config) && other.fn !== fn);
      const place = { address: pciAddress(bus, slot, fn), decoder, intx, pin: intxPin(fn), isMultiFunction };
      made.push(createPciDevice(config, { id, place, pirqs: wiring.pirqOutputs(), virtio }));
    };
    try {
      // The bridge first: the others' interrupt pins lead to its router.
      for (const config of configs) if (config.kind === LPC) create(config, nullLine);
      const router = made.find((device) => device instanceof LpcBridge);
      for (const config of configs) {
        const { bus = 0, slot, fn, kind } = config;
        if (kind !== LPC) create(config, router?.interruptLine(bus, slot, intxPin(fn)) ?? nullLine);
      }
    } catch (error) {
      for (const device of made) device.close();
      throw error;
    }
    this.devices = made.sort((a, b) => a.address - b.address);
  }
}

function isSameSlot(a: PciDeviceConfig, b: PciDeviceConfig): boolean {
  return (a.bus ?? 0) === (b.bus ?? 0) && a.slot === b.slot;
}

/** Functions of one device use its four pins in turn. */
function intxPin(fn: number): IntxPin {
  return ([1, 2, 3, 4] as const)[fn % 4] ?? 1;
}
