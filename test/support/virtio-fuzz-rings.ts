// SPDX-License-Identifier: BSD-2-Clause
/** Where a hostile driver has its rings, and how it starts a device properly. */
import type { VirtioModel } from '../../devices/virtio/virtio-kind.js';
import { MODERN_BASE } from './virtio-driver.js';
import type { VirtioRig } from './virtio-rig.js';

type Rig = VirtioRig<VirtioModel>;

const STATUS = 0x14;
const QUEUE_SELECT = 0x16;
const QUEUE_SIZE = 0x18;

export interface Place {
  readonly size: number;
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
}

/** The modern interface, up to FEATURES_OK. */
export function negotiate({ mmio }: Rig, features: bigint): void {
  const write = (at: number, width: 1 | 4, value: number): void => mmio.write(MODERN_BASE + at, width, value);
  write(STATUS, 1, 0);
  write(STATUS, 1, 3);
  for (const half of [0, 1]) {
    write(0x08, 4, half);
    write(0x0c, 4, Number(BigInt.asUintN(32, features >> BigInt(32 * half))));
  }
  write(STATUS, 1, 0x0b);
}

export function driverOk({ mmio }: Rig): void {
  mmio.write(MODERN_BASE + STATUS, 1, 0x0f);
}

/** Tells the size that the queue has now: no device has larger ones than it says. */
export function placeQueue({ mmio }: Rig, queue: number, { size, descriptors, driver, device }: Place): number {
  const write = (at: number, width: 2 | 4, value: number): void => mmio.write(MODERN_BASE + at, width, value);
  write(QUEUE_SELECT, 2, queue);
  write(QUEUE_SIZE, 2, size);
  write(0x20, 4, descriptors);
  write(0x28, 4, driver);
  write(0x30, 4, device);
  write(0x1c, 2, 1);
  return mmio.read(MODERN_BASE + QUEUE_SIZE, 2);
}
