// SPDX-License-Identifier: BSD-2-Clause
/** A device and where it answers. */
import type { AnyDevice } from '../core/device.js';
import type { MmioHandler } from '../core/memory-bus.js';
import type { PortHandler } from '../core/port-bus.js';

type PortRow = readonly [base: number, length: number, handler: PortHandler];
type MmioRow = readonly [base: number, length: number, handler: MmioHandler];

export interface BoardRow {
  readonly device: AnyDevice;
  readonly ports?: readonly PortRow[];
  readonly mmio?: readonly MmioRow[];
}
