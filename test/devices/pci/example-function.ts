// SPDX-License-Identifier: BSD-2-Clause
import { type BarSpec, barRegisters } from '../../../devices/pci/bars.js';
import { ConfigLayout, headerType0 } from '../../../devices/pci/config-layout.js';
import { configSpace } from '../../../devices/pci/config-space.js';
import { PciFunction, type PciPlace } from '../../../devices/pci/pci-function.js';
import type { MmioHandler } from '../../../src/core/memory-bus.js';
import { bool } from '../../../src/core/state-fields.js';
import { StateShape } from '../../../src/core/state-shape.js';

const shapeFor = (layout: ConfigLayout) =>
  new StateShape('example', 1, { config: configSpace(layout), pending: bool({ doc: 'asks for service' }) });

/** A function with any BARs: each reads as its index, and a write of 1 or 0 to any raises or lowers INTA#. */
export class ExampleFunction extends PciFunction<ReturnType<typeof shapeFor>['fields']> {
  constructor(id: string, place: PciPlace, bars: readonly BarSpec[]) {
    const identity = { vendorId: 0x1234, deviceId: 0x5678, classCode: 0xff0000, interruptPin: 1 } as const;
    const layout = new ConfigLayout([...headerType0(identity), ...barRegisters(bars)]);
    super(id, shapeFor(layout), place, layout, bars);
  }

  raise(pending: boolean): void {
    this.state.pending = pending;
    this.driveIntx();
  }

  get mayAccessMemory(): boolean {
    return this.busMaster;
  }

  protected override interruptPending(): boolean {
    return this.state.pending;
  }

  protected override barHandler(index: number): MmioHandler {
    return { read: () => index, write: (_offset, _width, value) => this.raise(value !== 0) };
  }
}
