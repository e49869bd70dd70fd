// SPDX-License-Identifier: BSD-2-Clause
/**
 * System Control Port A at port 0x92: fast CPU reset and the fast A20 gate.
 * Reference: PS2-TRM = IBM PS/2 Hardware Interface Technical Reference, "System Control Port A".
 * Not modelled: the fixed disk lights and the security lock.
 */
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { u8 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { bytePorts } from './byte-ports.js';

const FAST_RESET = 0x01;
const A20_ENABLE = 0x02;

const fields = {
  control: u8({
    initial: A20_ENABLE,
    mask: FAST_RESET | A20_ENABLE,
    doc: 'bit 0 fast reset, bit 1 A20 enable; A20 starts enabled, as after firmware',
  }),
};
const shape = new StateShape('port92', 1, fields);

export interface Port92Wiring {
  readonly onReset: () => void;
  readonly a20: IrqLine;
}

export class Port92 extends Device<typeof fields> {
  constructor(
    id: string,
    private readonly wiring: Port92Wiring,
  ) {
    super(id, shape);
  }

  ports(): PortHandler {
    return bytePorts(
      () => this.state.control,
      (_, value) => this.write(value),
    );
  }

  protected restored(): void {
    this.wiring.a20.adopt(this.a20Enabled);
  }

  protected wasReset(): void {
    this.wiring.a20.set(this.a20Enabled);
  }

  private get a20Enabled(): boolean {
    return (this.state.control & A20_ENABLE) !== 0;
  }

  private write(value: number): void {
    const resets = (value & ~this.state.control & FAST_RESET) !== 0;
    this.state.control = value & (FAST_RESET | A20_ENABLE);
    this.wiring.a20.set(this.a20Enabled);
    if (resets) this.wiring.onReset();
  }
}
