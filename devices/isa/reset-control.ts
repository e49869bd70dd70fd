// SPDX-License-Identifier: BSD-2-Clause
/**
 * Reset Control Register at port 0xCF9.
 * Reference: PIIX3 = Intel 82371SB data sheet, "RC - Reset Control Register". Bit 1 chooses a hard or a soft reset; the reset
 * starts when bit 2 goes from 0 to 1.
 * The port lies inside the PCI address register's dword, so the root bus hands byte accesses over: see root-bus.ts.
 */
import { Device } from '../../src/core/device.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { u8 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { bytePorts } from './byte-ports.js';

const RC_HARD = 0x02;
const RC_RESET_CPU = 0x04;

const fields = { rc: u8({ mask: RC_HARD | RC_RESET_CPU, doc: 'Reset Control Register' }) };
const shape = new StateShape('reset-control', 1, fields);

export type ResetKind = 'soft' | 'hard';

export class ResetControl extends Device<typeof fields> {
  constructor(
    id: string,
    private readonly onReset: (kind: ResetKind) => void,
  ) {
    super(id, shape);
  }

  ports(): PortHandler {
    return bytePorts(
      () => this.state.rc,
      (_, value) => this.control(value),
    );
  }

  protected restored(): void {}

  protected wasReset(): void {}

  private control(value: number): void {
    const starts = (value & ~this.state.rc & RC_RESET_CPU) !== 0;
    this.state.rc = value & (RC_HARD | RC_RESET_CPU);
    if (starts) this.onReset(value & RC_HARD ? 'hard' : 'soft');
  }
}
