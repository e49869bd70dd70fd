// SPDX-License-Identifier: BSD-2-Clause
/**
 * Carries the INTx pins of all functions over eight links, PIRQ A to H, to the interrupt controllers: each link always
 * drives its own IOAPIC pin (16 to 23), and one 8259 pin if the LPC bridge routes it there.
 * Holds no state: link levels follow from the functions' INTx levels, which every function adopts again on a restore.
 */
import { type IrqLine, SharedLine } from '../../src/core/irq-line.js';

export const PIRQ_LINKS = 8;

export interface PirqOutputs {
  /** 8259 pins IRQ 0 to 15. */
  readonly pic: readonly IrqLine[];
  /** IOAPIC pins 16 to 23. */
  readonly ioapic: readonly IrqLine[];
}

type Verb = 'set' | 'adopt';

/** 1 is INTA#. */
export type IntxPin = 1 | 2 | 3 | 4;

/** The link of a slot's pin, on bus 0 as bhyve has it with a boot ROM; the ACPI _PRT must say the same. */
export function pirqLink(bus: number, slot: number, pin: IntxPin): number {
  return (4 + bus + slot + pin) % PIRQ_LINKS;
}

export class PirqRouter {
  private readonly links: readonly SharedLine[];

  /** `routeOf` gives the 8259 pin of a link, or null. */
  constructor(
    private readonly outputs: PirqOutputs,
    private readonly routeOf: (link: number) => number | null,
  ) {
    if (outputs.pic.length !== 16) throw new RangeError(`pic: ${outputs.pic.length} lines given, 16 needed`);
    if (outputs.ioapic.length !== PIRQ_LINKS) {
      throw new RangeError(`ioapic: ${outputs.ioapic.length} lines given, ${PIRQ_LINKS} needed`);
    }
    this.links = outputs.ioapic.map((pin, link) => new SharedLine(this.output(pin, link)));
  }

  /** A new source on the link of this slot and pin. */
  input(bus: number, slot: number, pin: IntxPin): IrqLine {
    const link = this.links[pirqLink(bus, slot, pin)];
    if (!link) throw new RangeError(`PCI slot ${bus}:${slot}: 0 to 255 and 0 to 31 expected`);
    return link.input();
  }

  /** Drives every 8259 pin that links may use again, after routes have changed. */
  rerouted(verb: Verb, pins: Iterable<number>): void {
    for (const pin of pins) this.drivePic(verb, pin);
  }

  private output(ioapicPin: IrqLine, link: number): IrqLine {
    const drive = (verb: Verb, level: boolean): void => {
      ioapicPin[verb](level);
      const route = this.routeOf(link);
      if (route !== null) this.drivePic(verb, route);
    };
    return { set: (level) => drive('set', level), adopt: (level) => drive('adopt', level) };
  }

  private drivePic(verb: Verb, pin: number): void {
    const level = this.links.some((link, number) => link.level && this.routeOf(number) === pin);
    this.outputs.pic[pin]?.[verb](level);
  }
}
