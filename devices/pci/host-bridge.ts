// SPDX-License-Identifier: BSD-2-Clause
/**
 * Host bridge: the function that stands for the root of the bus. It does nothing, but guests look for it.
 * Identities as in bhyve: `hostbridge` 1275:1275, and `amd_hostbridge` 1022:7432 for guests that check CPU against
 * chipset vendor. The PCI Express capability (PCIE-3.0 §7.8) tells guests that extended configuration space exists.
 */
import { StateShape } from '../../src/core/state-shape.js';
import { type Capability, ConfigLayout, headerType0, type Identity } from './config-layout.js';
import { configSpace } from './config-space.js';
import { PciFunction, type PciPlace } from './pci-function.js';

const CLASS_HOST_BRIDGE = 0x060000;

export const HOST_BRIDGE: Identity = { vendorId: 0x1275, deviceId: 0x1275, classCode: CLASS_HOST_BRIDGE };
export const AMD_HOST_BRIDGE: Identity = { vendorId: 0x1022, deviceId: 0x7432, classCode: CLASS_HOST_BRIDGE };

const EXPRESS: Capability = {
  id: 0x10,
  length: 0x3c,
  registers: [
    { at: 0x02, width: 2, initial: 0x0042 }, // version 2, root port
    { at: 0x0c, width: 4, initial: 0x00000411 }, // link capabilities: 2.5 GT/s, one lane, L0s
    { at: 0x12, width: 2, initial: 0x0011 }, // link status: the same speed and width
  ],
};

function shapeFor(layout: ConfigLayout) {
  return new StateShape('pci-host-bridge', 1, { config: configSpace(layout) });
}

type HostBridgeFields = ReturnType<typeof shapeFor>['fields'];

export class HostBridge extends PciFunction<HostBridgeFields> {
  constructor(id: string, place: PciPlace, identity: Identity = HOST_BRIDGE) {
    const layout = new ConfigLayout(headerType0(identity), [EXPRESS]);
    super(id, shapeFor(layout), place, layout);
  }
}
