// SPDX-License-Identifier: BSD-2-Clause
/** The kinds of PCI functions that `-s` knows, one row each. */
import { AMD_HOST_BRIDGE, HostBridge } from '../../devices/pci/host-bridge.js';
import { LpcBridge } from '../../devices/pci/lpc-bridge.js';
import type { PciPlace } from '../../devices/pci/pci-function.js';
import type { PirqOutputs } from '../../devices/pci/pirq-router.js';
import type { ConfigTarget } from '../../devices/pci/root-bus.js';
import type { AnyDevice } from '../core/device.js';
import { type PciDeviceConfig, pciDeviceId, type VirtioPortId } from './config.js';
import { ConfigError } from './config-error.js';
import {
  createBalloon,
  createConsole,
  createDisk,
  createNet,
  createNinep,
  createRng,
  createVsock,
  type VirtioContext,
} from './virtio-devices.js';

export type PciDevice = AnyDevice & ConfigTarget;

export interface PciContext {
  readonly id: VirtioPortId;
  readonly place: PciPlace;
  readonly pirqs: PirqOutputs;
  readonly virtio: VirtioContext;
}

type Factory = (context: PciContext, options: PciDeviceConfig['options']) => PciDevice;

const KINDS: ReadonlyMap<string, Factory> = new Map<string, Factory>([
  ['hostbridge', ({ id, place }) => new HostBridge(id, place)],
  ['amd_hostbridge', ({ id, place }) => new HostBridge(id, place, AMD_HOST_BRIDGE)],
  ['lpc', ({ id, place, pirqs }) => new LpcBridge(id, place, pirqs)],
  ['virtio-blk', createDisk],
  ['virtio-net', createNet],
  ['virtio-9p', createNinep],
  ['virtio-console', createConsole],
  ['virtio-rnd', createRng],
  ['virtio-balloon', createBalloon],
  ['virtio-vsock', createVsock],
]);

export function createPciDevice(config: PciDeviceConfig, context: PciContext): PciDevice {
  const factory = KINDS.get(config.kind);
  if (factory === undefined) {
    const known = [...KINDS.keys()].join(', ');
    throw new ConfigError(pciDeviceId(config), `unknown device "${config.kind}"; accepted are ${known}`);
  }
  return factory(context, config.options);
}
