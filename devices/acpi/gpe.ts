// SPDX-License-Identifier: BSD-2-Clause
/**
 * ACPI general-purpose event block 0 at ports 0x40C (status) and 0x40D (enable): eight events that raise the SCI.
 * Reference: ACPI = ACPI specification 6.5, section 4.8.4.1.
 */
import type { Width } from '../../src/core/bits.js';
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { RegisterMap } from '../../src/core/register-map.js';
import { u8 } from '../../src/core/state-fields.js';
import { type StateOf, StateShape } from '../../src/core/state-shape.js';

/** The VM generation id has changed. */
export const GPE_VM_GENERATION = 0;

export const shape = new StateShape('gpe', 1, { status: u8(), enable: u8() });
type State = StateOf<typeof shape.fields>;

export class Gpe extends Device<typeof shape.fields> implements PortHandler {
  private static readonly registers = new RegisterMap<State, Gpe>(shape.fields, 1, [
    {
      at: 0,
      name: 'GPE0_STS',
      get: (s) => s.status,
      set: (s, value) => {
        s.status &= ~value;
      },
    },
    { at: 1, name: 'GPE0_EN', field: 'enable' },
  ]);

  constructor(
    id: string,
    private readonly sci: IrqLine,
  ) {
    super(id, shape);
  }

  read(offset: number, width: Width): number {
    return Gpe.registers.read(this.state, this, 0, offset, width);
  }

  write(offset: number, width: Width, value: number): void {
    Gpe.registers.write(this.state, this, 0, offset, width, value);
    this.driveSci();
  }

  /** Records event 0-7; the guest is told if it has enabled it. */
  raise(event: number): void {
    if (!Number.isInteger(event) || event < 0 || event > 7) {
      throw new RangeError(`${this.id}: event ${event}: expected 0 to 7`);
    }
    this.state.status |= 1 << event;
    this.driveSci();
  }

  protected restored(): void {
    this.sci.adopt(this.sciLevel());
  }

  protected wasReset(): void {
    this.driveSci();
  }

  private sciLevel(): boolean {
    return (this.state.status & this.state.enable) !== 0;
  }

  private driveSci(): void {
    this.sci.set(this.sciLevel());
  }
}
