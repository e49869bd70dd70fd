// SPDX-License-Identifier: BSD-2-Clause
/**
 * 8042 keyboard controller: data port 0x60, command and status port 0x64, IRQ 1.
 * Reference: PS2-TRM = IBM PS/2 Hardware Interface Technical Reference, "Keyboard/Auxiliary Device Controller".
 * There is no auxiliary (mouse) port: its disable bit is stuck at 1, its interface test fails and its loopback byte
 * comes back as keyboard data, so that every known probe gives up at once instead of waiting for a timeout.
 * Not modelled: the keyboard lock, and the controller's own RAM beyond the command byte.
 */
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { bool, byteList, optional, u8 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { bytePorts } from './byte-ports.js';
import { BREAK_PREFIX, translateToSet1 } from './scan-codes.js';

const CCB_KEYBOARD_INTERRUPT = 0x01; // controller command byte
const CCB_SYSTEM_FLAG = 0x04;
const CCB_DISABLE_KEYBOARD = 0x10;
const CCB_DISABLE_AUX = 0x20;
const CCB_TRANSLATE = 0x40;
const CCB_WRITABLE = 0x57;

const STATUS_OUTPUT_FULL = 0x01;
const STATUS_COMMAND = 0x08;
const STATUS_UNLOCKED = 0x10;

const OUTPUT_NOT_RESET = 0x01; // output port (P2)
const OUTPUT_A20 = 0x02;
const OUTPUT_BUFFER_FULL = 0x10;
const OUTPUT_IDLE_HIGH = 0xcc; // clock and data lines at rest

const READ_CCB = 0x20;
const WRITE_CCB = 0x60;
const DISABLE_AUX = 0xa7;
const ENABLE_AUX = 0xa8;
const TEST_AUX = 0xa9;
const SELF_TEST = 0xaa;
const TEST_KEYBOARD = 0xab;
const DISABLE_KEYBOARD = 0xad;
const ENABLE_KEYBOARD = 0xae;
const READ_INPUT_PORT = 0xc0;
const READ_OUTPUT_PORT = 0xd0;
const WRITE_OUTPUT_PORT = 0xd1;
const WRITE_KEYBOARD_BUFFER = 0xd2;
const WRITE_AUX_BUFFER = 0xd3;
const WRITE_AUX_DEVICE = 0xd4;
const DISABLE_A20 = 0xdd;
const ENABLE_A20 = 0xdf;
const PULSE_OUTPUT_PORT = 0xf0;

const SELF_TEST_PASSED = 0x55;
const INTERFACE_PASSED = 0x00;
const INTERFACE_DATA_STUCK_HIGH = 0x04;
const INPUT_PORT_NOT_INHIBITED = 0x80;
const MAX_REPLIES = 4;

const fields = {
  ccb: u8({
    initial: CCB_TRANSLATE | CCB_DISABLE_AUX | CCB_SYSTEM_FLAG | CCB_KEYBOARD_INTERRUPT,
    mask: CCB_WRITABLE | CCB_DISABLE_AUX,
    doc: 'controller command byte; starts as firmware leaves it',
  }),
  a20: bool({ initial: true, doc: 'output port bit 1' }),
  output: u8({ doc: 'output buffer; keeps its last byte after it is read' }),
  outputFull: bool({ doc: 'the guest has not read the output buffer' }),
  replies: byteList({ max: MAX_REPLIES, doc: "the controller's own replies waiting for the output buffer" }),
  lastWriteWasCommand: bool({ doc: 'status bit 3: the last write went to port 0x64' }),
  parameterOf: optional(u8({ doc: 'the command whose parameter comes next at port 0x60' })),
  releaseSeen: bool({ doc: 'translation has seen a break prefix whose key code is still to come' }),
};
const shape = new StateShape('i8042', 1, fields);

/** The keyboard end of the cable. */
export interface KeyboardPort {
  hasData(): boolean;
  take(): number;
  receive(byte: number): void;
  offerSpace(): void;
}

export interface I8042Wiring {
  readonly keyboard: KeyboardPort;
  readonly irq: IrqLine;
  readonly a20: IrqLine;
  readonly onReset: () => void;
}

export class I8042 extends Device<typeof fields> {
  constructor(
    id: string,
    private readonly wiring: I8042Wiring,
  ) {
    super(id, shape);
  }

  dataPort(): PortHandler {
    return bytePorts(
      () => this.readData(),
      (_, value) => this.writeData(value),
    );
  }

  commandPort(): PortHandler {
    return bytePorts(
      () => this.status(),
      (_, value) => this.command(value),
    );
  }

  /** Moves the next waiting byte into the output buffer if it is free. The keyboard calls this when it has data. */
  serve(): void {
    const { keyboard } = this.wiring;
    while (!this.state.outputFull) {
      const reply = this.state.replies.shift();
      if (reply !== undefined) this.fillOutput(reply);
      else if (this.keyboardEnabled && keyboard.hasData()) this.fromKeyboard(keyboard.take());
      else break;
    }
    this.driveIrq();
  }

  protected restored(): void {
    this.wiring.a20.adopt(this.state.a20);
    this.wiring.irq.adopt(this.irqLevel);
  }

  protected wasReset(): void {
    this.wiring.a20.set(this.state.a20);
    this.driveIrq();
  }

  private get keyboardEnabled(): boolean {
    return (this.state.ccb & CCB_DISABLE_KEYBOARD) === 0;
  }

  private get irqLevel(): boolean {
    return this.state.outputFull && (this.state.ccb & CCB_KEYBOARD_INTERRUPT) !== 0;
  }

  private status(): number {
    return (
      STATUS_UNLOCKED |
      (this.state.outputFull ? STATUS_OUTPUT_FULL : 0) |
      (this.state.ccb & CCB_SYSTEM_FLAG) | // the same bit in both registers
      (this.state.lastWriteWasCommand ? STATUS_COMMAND : 0)
    );
  }

  /** After an access by the guest. Space is offered last, and never from `serve`: the host may press the next key at once. */
  private serveGuest(): void {
    this.serve();
    this.wiring.keyboard.offerSpace();
  }

  private readData(): number {
    const byte = this.state.output;
    this.state.outputFull = false;
    this.driveIrq(); // the line falls before the next byte raises it: IRQ 1 is edge triggered
    this.serveGuest();
    return byte;
  }

  private writeData(value: number): void {
    const command = this.state.parameterOf;
    this.state.lastWriteWasCommand = false;
    this.state.parameterOf = null;
    if (command === null) {
      this.state.ccb &= ~CCB_DISABLE_KEYBOARD; // PS2-TRM: a byte for the keyboard enables its interface
      this.wiring.keyboard.receive(value);
    } else {
      this.parameter(command, value);
    }
    this.serveGuest();
  }

  private command(value: number): void {
    this.state.lastWriteWasCommand = true;
    this.state.parameterOf = null;
    switch (value) {
      case READ_CCB:
        this.reply(this.state.ccb);
        break;
      case WRITE_CCB:
      case WRITE_OUTPUT_PORT:
      case WRITE_KEYBOARD_BUFFER:
      case WRITE_AUX_BUFFER:
      case WRITE_AUX_DEVICE:
        this.state.parameterOf = value;
        break;
      case TEST_AUX:
        this.reply(INTERFACE_DATA_STUCK_HIGH);
        break;
      case SELF_TEST:
        this.state.ccb |= CCB_SYSTEM_FLAG;
        this.reply(SELF_TEST_PASSED);
        break;
      case TEST_KEYBOARD:
        this.reply(INTERFACE_PASSED);
        break;
      case DISABLE_KEYBOARD:
        this.state.ccb |= CCB_DISABLE_KEYBOARD;
        break;
      case ENABLE_KEYBOARD:
        this.state.ccb &= ~CCB_DISABLE_KEYBOARD;
        break;
      case READ_INPUT_PORT:
        this.reply(INPUT_PORT_NOT_INHIBITED);
        break;
      case READ_OUTPUT_PORT:
        this.reply(this.outputPort());
        break;
      case DISABLE_A20:
      case ENABLE_A20:
        this.setA20(value === ENABLE_A20);
        break;
      case DISABLE_AUX:
      case ENABLE_AUX:
        break; // no such port: the disable bit stays 1
      default:
        // A zero in bit 0 pulls the CPU's reset line low for 6 microseconds.
        if ((value & 0xf0) === PULSE_OUTPUT_PORT && (value & OUTPUT_NOT_RESET) === 0) this.wiring.onReset();
    }
    this.serveGuest();
  }

  private parameter(command: number, value: number): void {
    switch (command) {
      case WRITE_CCB:
        this.state.ccb = (value & CCB_WRITABLE) | CCB_DISABLE_AUX;
        break;
      case WRITE_OUTPUT_PORT:
        this.setA20((value & OUTPUT_A20) !== 0);
        if ((value & OUTPUT_NOT_RESET) === 0) this.wiring.onReset();
        break;
      case WRITE_KEYBOARD_BUFFER:
      case WRITE_AUX_BUFFER:
        this.reply(value);
        break;
      default: // WRITE_AUX_DEVICE: nobody is there to answer
    }
  }

  private outputPort(): number {
    return (
      OUTPUT_IDLE_HIGH |
      OUTPUT_NOT_RESET |
      (this.state.a20 ? OUTPUT_A20 : 0) |
      (this.state.outputFull ? OUTPUT_BUFFER_FULL : 0)
    );
  }

  private setA20(enabled: boolean): void {
    this.state.a20 = enabled;
    this.wiring.a20.set(enabled);
  }

  /** A guest that asks without reading loses the oldest answers. */
  private reply(value: number): void {
    if (this.state.replies.length === MAX_REPLIES) this.state.replies.shift();
    this.state.replies.push(value);
  }

  private fromKeyboard(code: number): void {
    if ((this.state.ccb & CCB_TRANSLATE) === 0) {
      this.fillOutput(code);
    } else if (code === BREAK_PREFIX) {
      this.state.releaseSeen = true;
    } else {
      this.fillOutput(translateToSet1(code, this.state.releaseSeen));
      this.state.releaseSeen = false;
    }
  }

  private fillOutput(value: number): void {
    this.state.output = value;
    this.state.outputFull = true;
  }

  private driveIrq(): void {
    this.wiring.irq.set(this.irqLevel);
  }
}
