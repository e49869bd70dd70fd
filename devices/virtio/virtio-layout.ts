// SPDX-License-Identifier: BSD-2-Clause
/**
 * How a virtio device looks on the PCI bus: ids, BARs and capabilities. BARs 0 and 1 are as on bhyve.
 * Reference: VIRTIO-1.2 §4.1.2 (ids) and §4.1.4 (capabilities).
 */
import { type BarSpec, barRegisters } from '../pci/bars.js';
import { type Capability, ConfigLayout, headerType0, type RegisterSpec } from '../pci/config-layout.js';
import { msiCapability } from '../pci/msi.js';
import { msixBar, msixCapability } from '../pci/msix.js';
import { COMMON_CONFIG_LENGTH } from './common-config.js';
import type { Interfaces } from './features.js';
import { LEGACY_LENGTHS } from './legacy-config.js';

const VENDOR = 0x1af4;
const FIRST_TRANSITIONAL = 0x1000;
const FIRST_MODERN = 0x1040;
const VENDOR_CAPABILITY = 0x09;

export const LEGACY_BAR = 0;
export const MSIX_BAR = 1;
export const MODERN_BAR = 4;

/** Offsets in the modern BAR, a page each. */
export const Region = { COMMON: 0x0000, ISR: 0x1000, DEVICE: 0x2000, NOTIFY: 0x3000 } as const;
const MODERN_BAR_SIZE = 0x4000;
/** Every queue has a doorbell of its own. */
export const NOTIFY_MULTIPLIER = 4;

const COMMON_CFG = 1;
const NOTIFY_CFG = 2;
const ISR_CFG = 3;
const DEVICE_CFG = 4;
const PCI_CFG = 5;

/** Offsets in the capability that leads to the BARs through configuration space (§4.1.4.9). */
export const PciCfg = { BAR: 4, OFFSET: 8, LENGTH: 12, DATA: 16 } as const;

/** Transitional ids are numbered apart from device types (§4.1.2.1); later types have none. */
const TRANSITIONAL_IDS: Readonly<Record<number, number>> = { 1: 0, 2: 1, 3: 3, 4: 5, 5: 2, 8: 4, 9: 9 };

export interface LayoutOptions {
  readonly type: number;
  readonly classCode: number;
  readonly configLength: number;
  readonly queues: number;
  readonly interfaces: Interfaces;
  /** MSI-X; else MSI with one vector. */
  readonly msix: boolean;
}

export interface VirtioLayout {
  readonly config: ConfigLayout;
  readonly bars: readonly BarSpec[];
  /** Where the capability of §4.1.4.9 begins; null without a modern interface. */
  readonly pciCfg: number | null;
  /** MSI-X: one for each queue, one for configuration changes. */
  readonly vectors: number;
}

export function virtioLayout(options: LayoutOptions): VirtioLayout {
  const { type, classCode, configLength, queues, interfaces, msix } = options;
  const vectors = queues + 1;
  const bars = barsFor(interfaces, configLength, msix);
  const identity = {
    vendorId: VENDOR,
    deviceId: deviceId(type, interfaces),
    revisionId: interfaces === 'modern' ? 1 : 0,
    classCode,
    subsystemVendorId: VENDOR,
    subsystemId: type, // what legacy drivers look at (§4.1.2.3)
    interruptPin: 1,
  } as const;
  const modern = interfaces === 'legacy' ? [] : modernCapabilities(configLength, queues);
  const capabilities = [msix ? msixCapability(MSIX_BAR, vectors) : msiCapability(1), ...modern];
  const config = new ConfigLayout([...headerType0(identity), ...barRegisters(bars)], capabilities);
  // The last of its id in the list.
  const pciCfg = modern.length > 0 ? (config.capability(VENDOR_CAPABILITY) ?? null) : null;
  return { config, bars, pciCfg, vectors };
}

function deviceId(type: number, interfaces: Interfaces): number {
  if (interfaces === 'modern') return FIRST_MODERN + type;
  const id = TRANSITIONAL_IDS[type];
  if (id === undefined) throw new RangeError(`virtio device type ${type}: expected one with a transitional PCI id`);
  return FIRST_TRANSITIONAL + id;
}

function barsFor(interfaces: Interfaces, configLength: number, msix: boolean): BarSpec[] {
  const legacySize = 2 ** Math.ceil(Math.log2(LEGACY_LENGTHS[1] + configLength));
  return [
    ...(interfaces === 'modern' ? [] : [{ index: LEGACY_BAR, kind: 'io', size: legacySize } as const]),
    ...(msix ? [msixBar(MSIX_BAR)] : []),
    ...(interfaces === 'legacy'
      ? []
      : [{ index: MODERN_BAR, kind: 'memory64', size: MODERN_BAR_SIZE, prefetchable: true } as const]),
  ];
}

function modernCapabilities(configLength: number, queues: number): Capability[] {
  return [
    windowCapability(COMMON_CFG, Region.COMMON, COMMON_CONFIG_LENGTH),
    windowCapability(NOTIFY_CFG, Region.NOTIFY, NOTIFY_MULTIPLIER * queues, [
      { at: 16, width: 4, initial: NOTIFY_MULTIPLIER },
    ]),
    windowCapability(ISR_CFG, Region.ISR, 1),
    ...(configLength > 0 ? [windowCapability(DEVICE_CFG, Region.DEVICE, configLength)] : []),
    {
      id: VENDOR_CAPABILITY,
      length: 20,
      registers: [
        { at: 2, width: 1, initial: 20 },
        { at: 3, width: 1, initial: PCI_CFG },
        { at: PciCfg.BAR, width: 1, writable: 0xff },
        { at: PciCfg.OFFSET, width: 4, writable: 0xffffffff },
        { at: PciCfg.LENGTH, width: 4, writable: 0xffffffff },
      ],
    },
  ];
}

function windowCapability(type: number, offset: number, size: number, more: readonly RegisterSpec[] = []): Capability {
  const length = 16 + more.reduce((sum, { width }) => sum + width, 0);
  return {
    id: VENDOR_CAPABILITY,
    length,
    registers: [
      { at: 2, width: 1, initial: length },
      { at: 3, width: 1, initial: type },
      { at: 4, width: 1, initial: MODERN_BAR },
      { at: 8, width: 4, initial: offset },
      { at: 12, width: 4, initial: size },
      ...more,
    ],
  };
}
