// SPDX-License-Identifier: BSD-2-Clause
/**
 * 16550A serial port at eight consecutive ports, with its 16-byte FIFOs.
 * Reference: NS16550 = National Semiconductor PC16550D data sheet, section 8.
 * The line is infinitely fast: a byte written is sent before the write returns, so the transmitter always reads as
 * empty. Baud rate and word length matter only for the receive timeout.
 * Not modelled: parity, framing and break errors, DMA signalling pins.
 */

import { hex } from '../../src/core/bits.js';
import type { Alarm, Clock } from '../../src/core/clock.js';
import { Device } from '../../src/core/device.js';
import type { ByteSink } from '../../src/core/input.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { RegisterMap } from '../../src/core/register-map.js';
import { StateError } from '../../src/core/state-error.js';
import { bool, byteList, optional, u8, u16, u64 } from '../../src/core/state-fields.js';
import { type StateOf, StateShape } from '../../src/core/state-shape.js';
import { FCR_ENABLE, IER_THRE, IIR_NONE, IIR_THRE, interruptCause } from './uart16550-interrupts.js';
import { characterTime, loopedModemLines, MSR_CTS, MSR_DCD, MSR_DSR, modemDeltas } from './uart16550-line.js';

const IIR_FIFOS = 0xc0;
const FCR_CLEAR_RX = 0x02;
const FCR_KEPT = 0xc9; // the two clear bits act once and are not stored

const LCR_DLAB = 0x80;
const MCR_LOOPBACK = 0x10;

const LSR_DATA_READY = 0x01;
const LSR_OVERRUN = 0x02;
const LSR_TRANSMITTER_EMPTY = 0x60; // THRE and TEMT

const FIFO_DEPTH = 16;

const NORMAL = 0; // register banks, chosen by LCR.DLAB
const DIVISOR = 1;

const fields = {
  ier: u8({ mask: 0x0f, doc: 'Interrupt Enable Register' }),
  fcr: u8({ mask: FCR_KEPT, doc: 'FIFO Control Register, without its self-clearing bits' }),
  lcr: u8({ doc: 'Line Control Register' }),
  mcr: u8({ mask: 0x1f, doc: 'Modem Control Register' }),
  scr: u8({ doc: 'Scratch Register' }),
  divisor: u16({ initial: 1, doc: 'Divisor Latch, DLM and DLL' }),
  rx: byteList({ max: FIFO_DEPTH, doc: 'received bytes the guest has not read, oldest first' }),
  overrun: bool({ doc: 'LSR.OE: a byte was lost since LSR was last read' }),
  thrEmptyPending: bool({ doc: 'a THRE interrupt is waiting to be identified' }),
  timeoutPending: bool({ doc: 'a receive timeout interrupt is waiting for RBR to be read' }),
  timeoutAt: optional(u64({ doc: 'VM time at which the receive timeout falls due', unit: 'ns' })),
  modemLines: u8({
    initial: MSR_CTS | MSR_DSR | MSR_DCD,
    mask: 0xf0,
    keepOnReset: true,
    doc: 'levels of the modem input pins, as in MSR; they belong to the far end, so a reset leaves them',
  }),
  modemDeltas: u8({ mask: 0x0f, doc: 'MSR bits 0-3: which inputs changed since MSR was last read' }),
};

type State = StateOf<typeof fields>;

const shape = new StateShape('uart16550', 1, fields, {
  check({ fcr, rx }) {
    const room = fcr & FCR_ENABLE ? FIFO_DEPTH : 1;
    if (rx.length <= room) return;
    throw new StateError('rx', `expected at most ${room} bytes with FCR ${hex(fcr)}, got ${rx.length}`);
  },
});

export interface UartWiring {
  readonly irq: IrqLine;
  readonly output: ByteSink;
  readonly clock: Clock;
  /** Called when the receiver can take bytes again, so that the host back end offers what it kept. */
  readonly onSpace: () => void;
}

export class Uart16550 extends Device<typeof fields> implements PortHandler {
  private static readonly registers = new RegisterMap<State, Uart16550>(fields, 2, [
    {
      at: 0,
      bank: NORMAL,
      name: 'RBR/THR',
      get: (_, uart) => uart.takeReceived(),
      set: (_, value, uart) => uart.transmit(value),
    },
    { at: 1, bank: NORMAL, name: 'IER', get: (s) => s.ier, set: (_, value, uart) => uart.enableInterrupts(value) },
    { at: 0, width: 2, bank: DIVISOR, name: 'DLL/DLM', field: 'divisor' },
    {
      at: 2,
      name: 'IIR/FCR',
      get: (_, uart) => uart.identifyInterrupt(),
      set: (_, value, uart) => uart.controlFifos(value),
    },
    { at: 3, name: 'LCR', field: 'lcr' },
    { at: 4, name: 'MCR', get: (s) => s.mcr, set: (_, value, uart) => uart.controlModem(value) },
    { at: 5, name: 'LSR', get: (_, uart) => uart.takeLineStatus(), readOnly: true },
    { at: 6, name: 'MSR', get: (_, uart) => uart.takeModemStatus(), readOnly: true },
    { at: 7, name: 'SCR', field: 'scr' },
  ]);

  private readonly timeout: Alarm;

  constructor(
    id: string,
    private readonly wiring: UartWiring,
  ) {
    super(id, shape);
    this.timeout = wiring.clock.alarm(id, 'rx-timeout', () => this.timeoutExpired());
  }

  read(offset: number, width: 1 | 2 | 4): number {
    const value = Uart16550.registers.read(this.state, this, this.bank, offset, width);
    this.driveIrq();
    return value;
  }

  write(offset: number, width: 1 | 2 | 4, value: number): void {
    Uart16550.registers.write(this.state, this, this.bank, offset, width, value);
    this.driveIrq();
  }

  /** Offers a byte from the host. False means there is no room and the caller keeps the byte. */
  receive(byte: number): boolean {
    if (this.space() === 0) return false;
    this.enqueue(byte & 0xff);
    this.driveIrq();
    return true;
  }

  /** How many bytes `receive` would take now. In loopback the serial input is disconnected: the host waits. */
  space(): number {
    return this.loopback ? 0 : this.depth - this.state.rx.length;
  }

  /** Sets the modem input pins, CTS DSR RI DCD in bits 4 to 7 as in MSR. */
  setModemLines(lines: number): void {
    this.withModemChange(() => {
      this.state.modemLines = lines & 0xf0;
    });
    this.driveIrq();
  }

  override resume(): void {
    this.offerSpace();
  }

  protected restored(): void {
    this.rearmTimeout();
    this.wiring.irq.adopt(interruptCause(this.state) !== IIR_NONE);
  }

  protected wasReset(): void {
    this.rearmTimeout();
    this.driveIrq();
  }

  private get bank(): number {
    return this.state.lcr & LCR_DLAB ? DIVISOR : NORMAL;
  }

  private get loopback(): boolean {
    return (this.state.mcr & MCR_LOOPBACK) !== 0;
  }

  private get fifosEnabled(): boolean {
    return (this.state.fcr & FCR_ENABLE) !== 0;
  }

  private get depth(): number {
    return this.fifosEnabled ? FIFO_DEPTH : 1;
  }

  private transmit(byte: number): void {
    // A byte in THR takes the interrupt back until it is sent: an edge-triggered 8259 must see the line fall and rise.
    this.state.thrEmptyPending = false;
    this.driveIrq();
    if (this.loopback) this.loopBack(byte);
    else this.wiring.output.write(byte);
    this.state.thrEmptyPending = true;
  }

  /** NS16550 "Line Status Register", bit 1: a full FIFO keeps its bytes and loses the new one; without FIFOs the new byte replaces RBR. */
  private loopBack(byte: number): void {
    if (this.state.rx.length < this.depth) {
      this.enqueue(byte);
      return;
    }
    this.state.overrun = true;
    if (!this.fifosEnabled) this.state.rx = [byte];
  }

  private enqueue(byte: number): void {
    this.state.rx.push(byte);
    this.restartTimeout();
  }

  private takeReceived(): number {
    const byte = this.state.rx.shift() ?? 0;
    this.state.timeoutPending = false;
    this.restartTimeout();
    this.driveIrq(); // before the host refills: a driver that takes one byte an interrupt needs the next edge
    this.offerSpace();
    return byte;
  }

  /** Drivers expect a THRE interrupt when they enable it while the transmitter is idle, which it always is. */
  private enableInterrupts(value: number): void {
    const turnedOn = value & ~this.state.ier;
    if (turnedOn & IER_THRE) this.state.thrEmptyPending = true;
    this.state.ier = value & 0x0f;
  }

  private controlFifos(value: number): void {
    const enableChanged = ((value ^ this.state.fcr) & FCR_ENABLE) !== 0;
    // NS16550 "FIFO Control Register": the other bits count only beside FCR0 = 1, and a change of FCR0 clears the FIFOs.
    this.state.fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
    if (enableChanged || (value & FCR_ENABLE && value & FCR_CLEAR_RX)) {
      this.state.rx = [];
      this.state.timeoutPending = false;
    }
    this.restartTimeout();
    this.offerSpace();
  }

  private controlModem(value: number): void {
    const wasLoopback = this.loopback;
    this.withModemChange(() => {
      this.state.mcr = value & 0x1f;
    });
    if (wasLoopback && !this.loopback) this.offerSpace();
  }

  private takeLineStatus(): number {
    const { rx, overrun } = this.state;
    this.state.overrun = false;
    return LSR_TRANSMITTER_EMPTY | (rx.length > 0 ? LSR_DATA_READY : 0) | (overrun ? LSR_OVERRUN : 0);
  }

  private takeModemStatus(): number {
    const status = this.modemInputs() | this.state.modemDeltas;
    this.state.modemDeltas = 0;
    return status;
  }

  private modemInputs(): number {
    return this.loopback ? loopedModemLines(this.state.mcr) : this.state.modemLines;
  }

  private withModemChange(change: () => void): void {
    const before = this.modemInputs();
    change();
    this.state.modemDeltas |= modemDeltas(before, this.modemInputs());
  }

  /** Reading IIR acknowledges a THRE interrupt, and only that one. */
  private identifyInterrupt(): number {
    const cause = interruptCause(this.state);
    if (cause === IIR_THRE) this.state.thrEmptyPending = false;
    return cause | (this.fifosEnabled ? IIR_FIFOS : 0);
  }

  /** Not gated by MCR.OUT2 as on a PC board: neither bhyve nor QEMU does so, and small guests rely on it. */
  private driveIrq(): void {
    this.wiring.irq.set(interruptCause(this.state) !== IIR_NONE);
  }

  private offerSpace(): void {
    if (this.space() > 0) this.wiring.onSpace();
  }

  /** NS16550 "FIFO Interrupt Mode Operation": four character times in which a waiting byte is not read and none arrives. */
  private restartTimeout(): void {
    const waiting = this.fifosEnabled && this.state.rx.length > 0 && !this.state.timeoutPending;
    this.state.timeoutAt = waiting
      ? this.wiring.clock.now() + characterTime(4, this.state.lcr, this.state.divisor)
      : null;
    this.rearmTimeout();
  }

  private rearmTimeout(): void {
    if (this.state.timeoutAt === null) this.timeout.disarm();
    else this.timeout.arm(this.state.timeoutAt);
  }

  private timeoutExpired(): void {
    this.state.timeoutAt = null;
    this.state.timeoutPending = true;
    this.driveIrq();
  }
}
