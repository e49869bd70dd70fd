// SPDX-License-Identifier: BSD-2-Clause
/** The ports of the virtio consoles of a machine, under the names that everybody else has for them. */
import { VirtioConsole } from '../../devices/virtio/console.js';
import { VirtioPci } from '../../devices/virtio/transport-pci.js';
import type { AnyDevice } from '../core/device.js';
import { type MachineConfig, type PciDeviceConfig, pciDeviceId, type VirtioPortId } from './config.js';
import { CONSOLE_PORT, consoleConfig } from './virtio-options.js';

/** The host's end of a port. */
export interface VirtioPort {
  type(bytes: Uint8Array): number;
  typeAll(bytes: Uint8Array): void;
  setOpen(isOpen: boolean): void;
  resize(columns: number, rows: number): void;
  /** For what the guest writes. */
  roomAgain(): void;
}

export interface VirtioPortConfig {
  readonly id: VirtioPortId;
  /** As the device counts: 0 is the console port. */
  readonly index: number;
  /** The words after `-l com1,`, for whoever opens back ends. */
  readonly backend: string;
}

/** The ports of a device that have a back end. */
export function virtioPorts(device: PciDeviceConfig): VirtioPortConfig[] {
  if (device.kind !== 'virtio-console') return [];
  const where = pciDeviceId(device);
  const { console, named } = consoleConfig(where, device.options);
  const id = (name: string): VirtioPortId => `${where}/${name}`;
  return [
    ...(console === null ? [] : [{ id: id(CONSOLE_PORT), index: 0, backend: console }]),
    ...named.map(({ name, path }, index) => ({ id: id(name), index: index + 1, backend: `unix=${path}` })),
  ];
}

export function virtioConsoles({ pci }: MachineConfig, devices: readonly AnyDevice[]): ReadonlyMap<string, VirtioPort> {
  const found = new Map<string, VirtioPort>();
  for (const port of pci.flatMap(virtioPorts)) {
    const device = devices.find(({ id }) => id === port.id.slice(0, port.id.indexOf('/')));
    if (!(device instanceof VirtioPci) || !(device.model instanceof VirtioConsole)) continue;
    found.set(port.id, portOf(device.model, port.index));
  }
  return found;
}

function portOf(model: VirtioConsole, index: number): VirtioPort {
  return {
    type: (bytes) => model.type(index, bytes),
    typeAll: (bytes) => model.typeAll(index, bytes),
    setOpen: (isOpen) => model.setOpen(index, isOpen),
    roomAgain: () => model.roomAgain(index),
    // Only the console port has a size.
    resize: (columns, rows) => {
      if (index === 0) model.resize(columns, rows);
    },
  };
}
