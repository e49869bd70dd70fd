// SPDX-License-Identifier: BSD-2-Clause
/**
 * PCI-ISA bridge with the PIRQ routing registers. Identity as in bhyve's `lpc`, 8086:7000.
 * Reference: PIIX3 = Intel 82371SB data sheet, "PIRQRC - PIRQx Route Control Registers", here for eight links instead of four:
 * PIRQ A-D at 0x60-0x63, PIRQ E-H at 0x68-0x6B.
 */
import type { Width } from '../../src/core/bits.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import { StateShape } from '../../src/core/state-shape.js';
import { ConfigLayout, headerType0, type Identity, type RegisterSpec } from './config-layout.js';
import { configSpace } from './config-space.js';
import { PciFunction, type PciPlace } from './pci-function.js';
import { type IntxPin, type PirqOutputs, PirqRouter } from './pirq-router.js';

export const LPC_BRIDGE: Identity = { vendorId: 0x8086, deviceId: 0x7000, classCode: 0x060100 };

const PIRQ_REGISTERS = [0x60, 0x61, 0x62, 0x63, 0x68, 0x69, 0x6a, 0x6b] as const;
const PIRQ_DISABLED = 0x80;
const PIRQ_IRQ = 0x0f;
const LEGAL_IRQS = [3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15] as const;
/** Bit mask of the 8259 pins that a PCI interrupt may use. */
export const PIRQ_LEGAL_MASK = 0xdef8;

const pirqRegisters: RegisterSpec[] = PIRQ_REGISTERS.map((at) => ({
  at,
  width: 1,
  initial: PIRQ_DISABLED,
  writable: PIRQ_DISABLED | PIRQ_IRQ,
}));

function shapeFor(layout: ConfigLayout) {
  return new StateShape('pci-lpc-bridge', 1, { config: configSpace(layout) });
}

type LpcBridgeFields = ReturnType<typeof shapeFor>['fields'];

export class LpcBridge extends PciFunction<LpcBridgeFields> {
  private readonly router: PirqRouter;

  constructor(id: string, place: PciPlace, outputs: PirqOutputs, identity: Identity = LPC_BRIDGE) {
    const layout = new ConfigLayout([...headerType0(identity), ...pirqRegisters]);
    super(id, shapeFor(layout), place, layout);
    this.router = new PirqRouter(outputs, (link) => this.route(link));
  }

  /** The INTx line for a function in this slot. */
  interruptLine(bus: number, slot: number, pin: IntxPin): IrqLine {
    return this.router.input(bus, slot, pin);
  }

  /** The 8259 pin that a link is routed to; null if disabled or routed to a pin it may not use. */
  route(link: number): number | null {
    const register = this.config[PIRQ_REGISTERS[link] ?? 0] ?? PIRQ_DISABLED;
    const irq = register & PIRQ_IRQ;
    return register & PIRQ_DISABLED || !((PIRQ_LEGAL_MASK >> irq) & 1) ? null : irq;
  }

  protected override restored(): void {
    super.restored();
    this.router.rerouted('adopt', LEGAL_IRQS);
  }

  protected override wasReset(): void {
    super.wasReset();
    this.router.rerouted('set', LEGAL_IRQS);
  }

  protected override configWritten(offset: number, width: Width): void {
    if (PIRQ_REGISTERS.some((at) => at >= offset && at < offset + width)) this.router.rerouted('set', LEGAL_IRQS);
  }
}
