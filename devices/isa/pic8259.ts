// SPDX-License-Identifier: BSD-2-Clause
/**
 * The PC's pair of 8259A interrupt controllers, the slave on IR2 of the master, with ELCR.
 * Reference: I8259A = Intel 8259A data sheet (231468-003); PIIX3 = Intel 82371SB data sheet, "ELCR1, ELCR2".
 */
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { StateShape } from '../../src/core/state-shape.js';
import { bytePorts } from './byte-ports.js';
import {
  acknowledgeInput,
  adoptInput,
  chipField,
  pendingInput,
  readChip,
  setInput,
  writeChip,
  writeElcr,
} from './pic8259-chip.js';

const CASCADE = 2;
const CASCADE_BIT = 1 << CASCADE;
const SPURIOUS = 7;
const MASTER_ELCR = 0xf8; // PIIX3: IRQ 0, 1, 2 are always edge sensitive
const SLAVE_ELCR = 0xde; // and so are 8 and 13

export const shape = new StateShape('pic8259', 1, {
  master: chipField(MASTER_ELCR),
  slave: chipField(SLAVE_ELCR),
});

export class Pic8259 extends Device<typeof shape.fields> {
  /** Ports 0x20-0x21. */
  readonly master: PortHandler;
  /** Ports 0xA0-0xA1. */
  readonly slave: PortHandler;
  /** Ports 0x4D0-0x4D1. */
  readonly elcr: PortHandler;

  /** `intr` is the INT output: the processor's INTR pin, or an APIC input in ExtINT mode. */
  constructor(
    id: string,
    private readonly intr: IrqLine,
  ) {
    super(id, shape);
    this.master = bytePorts(
      (offset) => this.readMaster(offset),
      (offset, value) => this.writeMaster(offset, value),
    );
    this.slave = bytePorts(
      (offset) => this.readSlave(offset),
      (offset, value) => this.writeSlave(offset, value),
    );
    this.elcr = bytePorts(
      (offset) => (offset === 0 ? this.state.master.elcr : this.state.slave.elcr),
      (offset, value) => this.setElcr(offset, value),
    );
  }

  /** Input IRQ 0-15; 2 is taken by the cascade. */
  pin(irq: number): IrqLine {
    if (!Number.isInteger(irq) || irq < 0 || irq > 15 || irq === CASCADE) {
      throw new RangeError(`${this.id}: IRQ ${irq}: expected 0 to 15, but not 2`);
    }
    const input = irq & 7;
    const chip = () => (irq < 8 ? this.state.master : this.state.slave);
    return {
      set: (level) => {
        setInput(chip(), input, level);
        this.settle();
      },
      adopt: (level) => adoptInput(chip(), input, level),
    };
  }

  /** The processor's INTA cycle: the vector to take. Without a request it is the spurious one of the chip that was asked. */
  acknowledge(): number {
    const { master, slave } = this.state;
    this.intr.set(false); // INT falls with INTA, so that a further request is an edge again
    const input = acknowledgeInput(master, CASCADE_BIT);
    const vector =
      input === CASCADE
        ? slave.vectorBase | (this.acknowledgeSlave() ?? SPURIOUS)
        : master.vectorBase | (input ?? SPURIOUS);
    this.settle();
    return vector;
  }

  protected restored(): void {
    this.intr.adopt(this.requesting());
  }

  protected wasReset(): void {
    this.settle();
  }

  private acknowledgeSlave(): number | null {
    setInput(this.state.master, CASCADE, false);
    return acknowledgeInput(this.state.slave, 0);
  }

  private readMaster(a0: number): number {
    const value = readChip(this.state.master, a0, CASCADE_BIT);
    this.settle();
    return value;
  }

  private writeMaster(a0: number, value: number): void {
    writeChip(this.state.master, a0, value);
    this.settle();
  }

  private readSlave(a0: number): number {
    if (this.state.slave.poll) setInput(this.state.master, CASCADE, false); // a poll is an INTA to the slave alone
    const value = readChip(this.state.slave, a0, 0);
    this.settle();
    return value;
  }

  private writeSlave(a0: number, value: number): void {
    writeChip(this.state.slave, a0, value);
    this.settle();
  }

  private setElcr(offset: number, value: number): void {
    if (offset === 0) writeElcr(this.state.master, value & MASTER_ELCR);
    else writeElcr(this.state.slave, value & SLAVE_ELCR);
    this.settle();
  }

  private requesting(): boolean {
    return pendingInput(this.state.master, CASCADE_BIT) !== null;
  }

  private settle(): void {
    setInput(this.state.master, CASCADE, pendingInput(this.state.slave, 0) !== null);
    this.intr.set(this.requesting());
  }
}
