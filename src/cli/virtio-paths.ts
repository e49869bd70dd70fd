// SPDX-License-Identifier: BSD-2-Clause
/** The back ends of the ports of virtio consoles. */
import type { ConsoleId, PciDeviceConfig } from '../machine/config.js';
import { virtioPorts } from '../machine/virtio-consoles.js';
import { NONE, refuseTwin } from './lpc-devices.js';

/** By port, without those that have none. */
export function virtioPaths(pci: readonly PciDeviceConfig[]): Map<ConsoleId, string> {
  const paths = new Map<ConsoleId, string>();
  for (const { id, backend } of pci.flatMap(virtioPorts)) {
    if (backend === NONE) continue;
    refuseTwin(id, backend, [...paths]);
    paths.set(id, backend);
  }
  return paths;
}
