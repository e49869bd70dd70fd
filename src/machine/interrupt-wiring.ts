// SPDX-License-Identifier: BSD-2-Clause
/**
 * The board's interrupt wires. Every ISA interrupt leads to both controllers; IRQ 0 arrives at IOAPIC pin 2, as the
 * MADT's override says. Wires with several sources are wired OR.
 */
import { fanOut, type IrqLine, nullLine, SharedLine } from '../core/irq-line.js';

const ISA_IRQS = 16;
const CASCADE = 2;
const TIMER_PIN = 2;
const FIRST_PIRQ_PIN = 16;
const IOAPIC_INPUTS = 24; // those above are the HPET's
const LINKS = 8;

/** An interrupt controller's inputs. */
interface Inputs {
  pin(number: number): IrqLine;
}

export class InterruptWiring {
  private readonly picPins: readonly SharedLine[];
  private readonly ioapicPins: readonly SharedLine[];

  constructor(pic: Inputs, ioapic: Inputs) {
    this.picPins = Array.from(
      { length: ISA_IRQS },
      (_, irq) => new SharedLine(irq === CASCADE ? nullLine : pic.pin(irq)),
    );
    this.ioapicPins = Array.from({ length: IOAPIC_INPUTS }, (_, pin) => new SharedLine(ioapic.pin(pin)));
  }

  /** A new source on an ISA interrupt. */
  isa(irq: number): IrqLine {
    return fanOut(this.picInput(irq), this.ioapicInput(irq === 0 ? TIMER_PIN : irq));
  }

  /** A new source on IOAPIC pin 0 to 23 only. */
  ioapicInput(pin: number): IrqLine {
    return input(this.ioapicPins, pin);
  }

  /** Where the PIRQ router's links arrive. */
  pirqOutputs(): { pic: IrqLine[]; ioapic: IrqLine[] } {
    return {
      pic: Array.from({ length: ISA_IRQS }, (_, irq) => this.picInput(irq)),
      ioapic: Array.from({ length: LINKS }, (_, link) => this.ioapicInput(FIRST_PIRQ_PIN + link)),
    };
  }

  private picInput(irq: number): IrqLine {
    return input(this.picPins, irq);
  }
}

function input(pins: readonly SharedLine[], pin: number): IrqLine {
  const line = pins[pin];
  if (line === undefined) throw new RangeError(`interrupt pin ${pin}: expected 0 to ${pins.length - 1}`);
  return line.input();
}
