// SPDX-License-Identifier: BSD-2-Clause
import type { Width } from '../../src/core/bits.js';
import { PortBus, type PortHandler } from '../../src/core/port-bus.js';

/** Talks to a device through a port bus, as a guest's `in` and `out` do; ports are absolute. */
export class GuestDriver {
  readonly bus = new PortBus();

  /** Puts a device on the bus and returns this driver. */
  attach(name: string, base: number, length: number, handler: PortHandler): this {
    this.bus.register(name, base, length, handler);
    return this;
  }

  in(port: number, width: Width = 1): number {
    return this.bus.read(port, width);
  }

  out(port: number, value: number, width: Width = 1): void {
    this.bus.write(port, width, value);
  }
}
