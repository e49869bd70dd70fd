// SPDX-License-Identifier: BSD-2-Clause
/**
 * ACPI PM1 event and control registers (ports 0x400-0x405) and SMI_CMD (0xB2), which drive the SCI.
 * Reference: ACPI = ACPI specification 6.5, sections 4.8.3.1 (PM1 event), 4.8.3.2 (PM1 control) and
 * "Legacy/ACPI Select and the SCI Interrupt".
 * Not modelled: sleep states but S5, the global lock, timer and RTC events.
 */
import type { Width } from '../../src/core/bits.js';
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { RegisterMap } from '../../src/core/register-map.js';
import { bool, u16 } from '../../src/core/state-fields.js';
import { type StateOf, StateShape } from '../../src/core/state-shape.js';

const PWRBTN = 0x0100; // PWRBTN_STS and PWRBTN_EN
const STATUS = 0x8731; // WAK, RTC, SLPBTN, PWRBTN, GBL, BM, TMR
const ENABLE = 0x0721; // RTC, SLPBTN, PWRBTN, GBL, TMR
const SCI_EN = 0x0001;
const BM_RLD = 0x0002;
const SLP_TYP = 0x1c00;
const SLP_TYP_S5 = 5 << 10; // as the \_S5 object says
const SLP_EN = 0x2000; // write-only

const SMI_ACPI_ENABLE = 0xa0;
const SMI_ACPI_DISABLE = 0xa1;

export const shape = new StateShape('pm1', 1, {
  status: u16({ mask: STATUS }),
  enable: u16({ mask: ENABLE }),
  control: u16({ mask: SCI_EN | BM_RLD | SLP_TYP }),
  gpe: bool({ doc: 'level of the general-purpose event block' }),
});
type State = StateOf<typeof shape.fields>;

export class Pm1 extends Device<typeof shape.fields> {
  private static readonly eventRegisters = new RegisterMap<State, Pm1>(shape.fields, 1, [
    {
      at: 0,
      width: 2,
      name: 'PM1_STS',
      get: (s) => s.status,
      set: (s, value) => {
        s.status &= ~value;
      },
      zeroFill: true,
    },
    { at: 2, width: 2, name: 'PM1_EN', field: 'enable' },
  ]);
  private static readonly controlRegisters = new RegisterMap<State, Pm1>(shape.fields, 1, [
    { at: 0, width: 2, name: 'PM1_CNT', get: (s) => s.control, set: (_, value, pm1) => pm1.writeControl(value) },
  ]);

  /** PM1a_EVT_BLK: ports 0x400-0x403. */
  readonly event: PortHandler;
  /** PM1a_CNT_BLK: ports 0x404-0x405. */
  readonly control: PortHandler;
  /** SMI_CMD: port 0xB2. */
  readonly smiCommand: PortHandler;
  /** Where the general-purpose event block raises its part of the SCI. */
  readonly gpeInput: IrqLine;

  constructor(
    id: string,
    private readonly sci: IrqLine,
    private readonly onPowerOff: () => void,
  ) {
    super(id, shape);
    this.event = this.handler(Pm1.eventRegisters);
    this.control = this.handler(Pm1.controlRegisters);
    this.smiCommand = {
      read: () => 0xffff_ffff,
      write: (_offset, _width, value) => this.writeSmiCommand(value & 0xff),
    };
    this.gpeInput = {
      set: (level) => {
        this.state.gpe = level;
        this.driveSci();
      },
      adopt: (level) => {
        this.state.gpe = level;
        this.sci.adopt(this.sciLevel());
      },
    };
  }

  /** Presses the button. False means the guest has not asked to be told, so that nothing will come of it. */
  pressPowerButton(): boolean {
    this.state.status |= PWRBTN;
    this.driveSci();
    return (this.state.control & SCI_EN) !== 0 && (this.state.enable & PWRBTN) !== 0;
  }

  protected restored(): void {
    this.sci.adopt(this.sciLevel());
  }

  protected wasReset(): void {
    this.driveSci();
  }

  private handler(registers: RegisterMap<State, Pm1>): PortHandler {
    return {
      read: (offset: number, width: Width) => registers.read(this.state, this, 0, offset, width),
      write: (offset: number, width: Width, value: number) => {
        registers.write(this.state, this, 0, offset, width, value);
        this.driveSci();
      },
    };
  }

  /** SCI_EN belongs to the firmware, which SMI_CMD stands for; SLP_EN acts and reads as zero. */
  private writeControl(value: number): void {
    this.state.control = (this.state.control & SCI_EN) | (value & (BM_RLD | SLP_TYP));
    if (value & SLP_EN && (value & SLP_TYP) === SLP_TYP_S5) this.onPowerOff();
  }

  private writeSmiCommand(command: number): void {
    if (command === SMI_ACPI_ENABLE) this.state.control |= SCI_EN;
    else if (command === SMI_ACPI_DISABLE) this.state.control &= ~SCI_EN;
    this.driveSci();
  }

  private sciLevel(): boolean {
    const { control, status, enable, gpe } = this.state;
    return (control & SCI_EN) !== 0 && (gpe || (status & enable) !== 0);
  }

  private driveSci(): void {
    this.sci.set(this.sciLevel());
  }
}
