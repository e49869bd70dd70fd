// SPDX-License-Identifier: BSD-2-Clause
/**
 * What every PCI function has: its configuration space, its BARs on the buses, and its INTx pin.
 * Reference: PCI-3.0 chapter 6; the interrupt status and disable bits: §6.2.2 and §6.2.3.
 */
import { hex, type Width } from '../../src/core/bits.js';
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { MmioHandler } from '../../src/core/memory-bus.js';
import type { Field, Fields } from '../../src/core/state-fields.js';
import type { StateShape } from '../../src/core/state-shape.js';
import { type BarDecoder, type BarSpec, decodedWindows } from './bars.js';
import {
  COMMAND,
  COMMAND_INTX_DISABLE,
  COMMAND_MASTER,
  type ConfigLayout,
  STATUS,
  STATUS_INTERRUPT,
} from './config-layout.js';
import { readConfig, writeConfig } from './config-space.js';
import type { IntxPin } from './pirq-router.js';

const HEADER_TYPE = 0x0e;
const MULTI_FUNCTION = 0x80;
const INTERRUPT_PIN = 0x3d;
/** What every function of ours that has a pin is made with. */
const INTA = 1;

/** Bus, device and function as one number: bits 8-15, 3-7 and 0-2. */
export function pciAddress(bus: number, device: number, fn: number): number {
  if (!(bus >= 0 && bus < 256 && device >= 0 && device < 32 && fn >= 0 && fn < 8)) {
    throw new RangeError(`PCI address ${bus}:${device}.${fn}: bus 0-255, device 0-31 and function 0-7 expected`);
  }
  return (bus << 8) | (device << 3) | fn;
}

/** Where a function sits, and the wires that lead from there. */
export interface PciPlace {
  /** From `pciAddress`. */
  readonly address: number;
  readonly decoder: BarDecoder;
  readonly intx: IrqLine;
  /** Which pin that line is; INTA# unless given. */
  readonly pin?: IntxPin;
  /** There are other functions in the same slot. */
  readonly isMultiFunction?: boolean;
}

/** Every shape of a PCI function has this field, made by `configSpace(layout)`. */
export type PciFields = Fields & { readonly config: Field<Uint8Array> };

export abstract class PciFunction<F extends PciFields> extends Device<F> {
  private readonly bars: readonly BarSpec[];

  constructor(
    id: string,
    shape: StateShape<F>,
    private readonly place: PciPlace,
    protected readonly layout: ConfigLayout,
    bars: readonly BarSpec[] = [],
  ) {
    super(id, shape);
    this.bars = Object.freeze([...bars]);
  }

  get address(): number {
    return this.place.address;
  }

  readConfig(offset: number, width: Width): number {
    const value = (readConfig(this.config, offset, width) ^ this.placeBits(offset, width)) >>> 0;
    const statusShift = 8 * (STATUS - offset);
    const showsStatus = offset <= STATUS && offset + width > STATUS;
    return showsStatus && this.interruptPending() ? (value | (STATUS_INTERRUPT << statusShift)) >>> 0 : value;
  }

  writeConfig(offset: number, width: Width, value: number): void {
    writeConfig(this.layout, this.config, offset, width, value);
    this.claimBars();
    this.driveIntx();
    this.configWritten(offset, width);
  }

  protected override restored(): void {
    this.claimBars();
    this.place.intx.adopt(this.intxLevel());
  }

  protected override wasReset(): void {
    this.claimBars();
    this.driveIntx();
  }

  /** True while the function asks for service through its INTx pin; derived from its own state. */
  protected interruptPending(): boolean {
    return false;
  }

  /** The device behind a BAR. Called again after each change of the BARs. */
  protected barHandler(index: number): MmioHandler {
    throw new RangeError(`${this.id}: no device behind BAR${index}`);
  }

  /** Called after a guest's write to configuration space, for registers that act when written. */
  protected configWritten(_offset: number, _width: Width): void {}

  /** To be called when `interruptPending` may have changed. */
  protected driveIntx(): void {
    this.place.intx.set(this.intxLevel());
  }

  /** A function may read and write guest memory only while the guest allows it (PCI-3.0 §6.2.2, bit 2). */
  protected get busMaster(): boolean {
    return (readConfig(this.config, COMMAND, 2) & COMMAND_MASTER) !== 0;
  }

  protected get config(): Uint8Array {
    return this.state.config;
  }

  /** What the place of a function changes in its header: whether it is alone there, and its interrupt pin. */
  private placeBits(offset: number, width: Width): number {
    const { isMultiFunction = false, pin = INTA } = this.place;
    const hasPin = readConfig(this.config, INTERRUPT_PIN, 1) !== 0;
    const bitsAt = (at: number, bits: number): number =>
      offset <= at && offset + width > at ? bits << (8 * (at - offset)) : 0;
    return bitsAt(HEADER_TYPE, isMultiFunction ? MULTI_FUNCTION : 0) | bitsAt(INTERRUPT_PIN, hasPin ? INTA ^ pin : 0);
  }

  private intxLevel(): boolean {
    const disabled = readConfig(this.config, COMMAND, 2) & COMMAND_INTX_DISABLE;
    return !disabled && this.interruptPending();
  }

  private claimBars(): void {
    const name = `${this.id} (${hex(this.address, 4)})`;
    const windows = decodedWindows(name, this.config, this.bars, (index) => this.barHandler(index));
    this.place.decoder.claim(this.address, windows);
  }
}
