// SPDX-License-Identifier: BSD-2-Clause
/** Drives a virtio device through its PCI registers, as a guest's driver does. */

import type { VirtioModel } from '../../devices/virtio/virtio-kind.js';
import type { Width } from '../../src/core/bits.js';
import type { VirtioRig } from './virtio-rig.js';
import { type DriverRing, PackedDriver, SplitDriver } from './virtio-rings.js';

export const LEGACY_BASE = 0x2000;
export const MSIX_BASE = 0xc0000000;
export const MODERN_BASE = 0x10_0000_0000;
const ISR = MODERN_BASE + 0x1000;
const DEVICE = MODERN_BASE + 0x2000;
const NOTIFY = MODERN_BASE + 0x3000;

export const bitsOf = (...bits: readonly number[]): bigint => bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
export const [INDIRECT_DESC, EVENT_IDX, VERSION_1, RING_PACKED, RING_RESET] = [28, 29, 32, 34, 40].map((bit) =>
  bitsOf(bit),
) as [bigint, bigint, bigint, bigint, bigint];

export const ACKNOWLEDGE = 1;
export const DRIVER = 2;
export const DRIVER_OK = 4;
export const FEATURES_OK = 8;
export const NEEDS_RESET = 0x40;

export interface DriverOptions {
  readonly via?: 'modern' | 'legacy';
  readonly features?: bigint;
  readonly msix?: boolean;
  /** Descriptors; the largest that there can be, unless given. The legacy interface has no choice. */
  readonly queueSize?: number;
}

export class VirtioDriver<M extends VirtioModel> {
  readonly rings: DriverRing[] = [];
  private nextFree = 0x10000;

  constructor(
    readonly rig: VirtioRig<M>,
    private readonly options: DriverOptions = {},
  ) {
    const { device } = rig;
    if (rig.interfaces !== 'modern') device.writeConfig(0x10, 4, LEGACY_BASE);
    device.writeConfig(0x14, 4, MSIX_BASE);
    if (rig.interfaces !== 'legacy') {
      device.writeConfig(0x20, 4, MODERN_BASE % 2 ** 32);
      device.writeConfig(0x24, 4, MODERN_BASE / 2 ** 32);
    }
    device.writeConfig(0x04, 2, 0x0007);
    if (options.msix !== false) this.enableMsix();
  }

  get isLegacy(): boolean {
    return this.options.via === 'legacy';
  }

  get features(): bigint {
    return this.options.features ?? (this.isLegacy ? 0n : VERSION_1);
  }

  /** Negotiates, sets up all queues and starts. */
  start(): this {
    this.status = ACKNOWLEDGE;
    this.status = ACKNOWLEDGE | DRIVER;
    this.negotiate(this.features);
    const count = this.queueCount();
    for (let queue = 0; queue < count; queue += 1) this.rings.push(this.setUp(queue));
    this.status |= DRIVER_OK;
    return this;
  }

  negotiate(features: bigint): void {
    if (this.isLegacy) {
      this.rig.ports.write(LEGACY_BASE + 4, 4, Number(features));
      return;
    }
    for (const half of [0, 1]) {
      this.common(0x08, 4, half);
      this.common(0x0c, 4, Number(BigInt.asUintN(32, features >> BigInt(32 * half))));
    }
    this.status |= FEATURES_OK;
  }

  get offered(): bigint {
    if (this.isLegacy) return BigInt(this.rig.ports.read(LEGACY_BASE, 4));
    return [0, 1].reduce((sum, half) => {
      this.common(0x00, 4, half);
      return sum | (BigInt(this.commonRead(0x04, 4)) << BigInt(32 * half));
    }, 0n);
  }

  get status(): number {
    return this.isLegacy ? this.rig.ports.read(LEGACY_BASE + 18, 1) : this.commonRead(0x14, 1);
  }

  set status(value: number) {
    if (this.isLegacy) this.rig.ports.write(LEGACY_BASE + 18, 1, value);
    else this.common(0x14, 1, value);
  }

  isr(): number {
    return this.isLegacy ? this.rig.ports.read(LEGACY_BASE + 19, 1) : this.rig.mmio.read(ISR, 1);
  }

  config(offset: number, width: Width): number {
    if (!this.isLegacy) return this.rig.mmio.read(DEVICE + offset, width);
    return this.rig.ports.read(LEGACY_BASE + this.legacyConfig + offset, width);
  }

  setConfig(offset: number, width: Width, value: number): void {
    if (this.isLegacy) this.rig.ports.write(LEGACY_BASE + this.legacyConfig + offset, width, value);
    else this.rig.mmio.write(DEVICE + offset, width, value);
  }

  kick(queue = 0): void {
    if (this.isLegacy) this.rig.ports.write(LEGACY_BASE + 16, 2, queue);
    else this.rig.mmio.write(NOTIFY + 4 * queue, 2, queue);
  }

  /** Some memory of its own. */
  allocate(length: number, alignment = 16): number {
    const at = Math.ceil(this.nextFree / alignment) * alignment;
    this.nextFree = at + length;
    return at;
  }

  ring(queue = 0): DriverRing {
    const ring = this.rings[queue];
    if (ring === undefined) throw new Error(`no queue ${queue}`);
    return ring;
  }

  common(offset: number, width: Width, value: number): void {
    this.rig.mmio.write(MODERN_BASE + offset, width, value);
  }

  commonRead(offset: number, width: Width): number {
    return this.rig.mmio.read(MODERN_BASE + offset, width);
  }

  /** Masks one vector of the table, or all of them. */
  mask(vector: number | 'all', masked: boolean): void {
    if (vector === 'all') this.rig.device.writeConfig(this.msixControl, 2, masked ? 0xc000 : 0x8000);
    else this.rig.mmio.write(MSIX_BASE + 16 * vector + 12, 4, masked ? 1 : 0);
  }

  /** Sets up a queue and enables it. */
  setUp(queue: number): DriverRing {
    const { memory } = this.rig;
    const vector = queue + 1;
    const eventIdx = (this.features & EVENT_IDX) !== 0n;
    if (this.isLegacy) {
      this.rig.ports.write(LEGACY_BASE + 14, 2, queue);
      const size = this.rig.ports.read(LEGACY_BASE + 12, 2);
      const descriptors = this.allocate(0x4000, 0x1000);
      const driver = descriptors + 16 * size;
      const device = Math.ceil((driver + 6 + 2 * size) / 0x1000) * 0x1000;
      this.rig.ports.write(LEGACY_BASE + 8, 4, descriptors / 0x1000);
      if (this.options.msix !== false) this.rig.ports.write(LEGACY_BASE + 22, 2, vector);
      return new SplitDriver(memory, { size, descriptors, driver, device }, eventIdx);
    }
    this.common(0x16, 2, queue);
    if (this.options.queueSize !== undefined) this.common(0x18, 2, this.options.queueSize);
    const size = this.commonRead(0x18, 2);
    const place = {
      size,
      descriptors: this.allocate(16 * size),
      driver: this.allocate(6 + 2 * size),
      device: this.allocate(6 + 8 * size),
    };
    this.common(0x1a, 2, vector);
    for (const [at, address] of [
      [0x20, place.descriptors],
      [0x28, place.driver],
      [0x30, place.device],
    ] as const) {
      this.common(at, 4, address);
      this.common(at + 4, 4, 0);
    }
    this.common(0x1c, 2, 1);
    const Ring = this.features & RING_PACKED ? PackedDriver : SplitDriver;
    return new Ring(memory, place, eventIdx);
  }

  private queueCount(): number {
    if (!this.isLegacy) return this.commonRead(0x12, 2);
    let count = 0;
    for (; ; count += 1) {
      this.rig.ports.write(LEGACY_BASE + 14, 2, count);
      if (this.rig.ports.read(LEGACY_BASE + 12, 2) === 0) return count;
    }
  }

  /** Vector n sends the number n; vector 0 is for configuration changes. */
  private enableMsix(): void {
    const { device, mmio } = this.rig;
    for (let vector = 0; vector < device.vectors; vector += 1) {
      mmio.write(MSIX_BASE + 16 * vector, 4, 0xfee00000);
      mmio.write(MSIX_BASE + 16 * vector + 8, 4, vector);
      mmio.write(MSIX_BASE + 16 * vector + 12, 4, 0);
    }
    device.writeConfig(this.msixControl, 2, 0x8000);
    if (this.isLegacy) this.rig.ports.write(LEGACY_BASE + 20, 2, 0);
    else this.common(0x10, 2, 0);
  }

  private get legacyConfig(): number {
    return this.options.msix === false ? 20 : 24;
  }

  /** The MSI-X capability is the first one. */
  private get msixControl(): number {
    return this.rig.device.readConfig(0x34, 1) + 2;
  }
}
