// SPDX-License-Identifier: BSD-2-Clause
/** A driver at a device that gives buffers back, with queues of 8 and 4. */
import type { Interfaces } from '../../devices/virtio/features.js';
import { type Echo, echoKind } from './echo-kind.js';
import { type DriverOptions, VirtioDriver } from './virtio-driver.js';
import { VirtioRig } from './virtio-rig.js';

export type EchoDriver = VirtioDriver<Echo>;

export function echoDriver(interfaces: Interfaces = 'transitional', options: DriverOptions = {}) {
  const rig = new VirtioRig(echoKind([8, 4]), interfaces);
  return { rig, driver: new VirtioDriver(rig, options), device: rig.device, texts: rig.device.model.texts };
}

/** Makes one buffer of queue 0 available. */
export function offerOne(driver: EchoDriver): void {
  driver.ring().add([{ address: 0x100, length: 4 }], [{ address: 0x200, length: 4 }]);
}

/** The same, and has it used. */
export function exchange(driver: EchoDriver): void {
  offerOne(driver);
  driver.kick();
}
