// SPDX-License-Identifier: BSD-2-Clause
/**
 * PS/2 keyboard with 101/102 keys: the device end of the cable, seen by the 8042.
 * Reference: PS2-TRM = IBM PS/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-key)".
 * Not modelled: scan code set 3, and typematic repeat (the host repeats keys itself).
 */
import { Device } from '../../src/core/device.js';
import { bool, byteList, optional, u8 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { BREAK_PREFIX, translateToSet1 } from './scan-codes.js';

const SET_LEDS = 0xed;
const ECHO = 0xee;
const SCAN_CODE_SET = 0xf0;
const IDENTIFY = 0xf2;
const SET_TYPEMATIC = 0xf3;
const ENABLE = 0xf4;
const DISABLE = 0xf5;
const SET_DEFAULTS = 0xf6;
const RESEND = 0xfe;
const RESET = 0xff;

const REPLY_ACK = 0xfa;
const REPLY_SELF_TEST_PASSED = 0xaa;
const REPLY_RESEND = 0xfe;
const REPLY_IDENTITY = [0xab, 0x83] as const;

const KEY_BUFFER = 16; // the keyboard's own buffer; further key presses wait at the host
const REPLY_ROOM = 16;
const DEFAULT_TYPEMATIC = 0x2b; // 500 ms, 10.9 characters a second

const fields = {
  output: byteList({ max: KEY_BUFFER + REPLY_ROOM, doc: 'bytes waiting for the controller, oldest first' }),
  lastSent: u8({ doc: 'the last byte taken by the controller, for the Resend command' }),
  parameterOf: optional(u8({ doc: 'the command whose parameter byte comes next' })),
  scanning: bool({ initial: true, doc: 'key presses are reported' }),
  scanCodeSet: u8({ initial: 2, min: 1, max: 2, doc: 'scan code set sent' }),
  leds: u8({ mask: 0x07, doc: 'bit 0 scroll lock, bit 1 num lock, bit 2 caps lock' }),
  typematic: u8({ initial: DEFAULT_TYPEMATIC, mask: 0x7f, doc: 'repeat delay and rate, kept for the guest' }),
};
const shape = new StateShape('ps2-keyboard', 1, fields);

export interface KeyboardWiring {
  /** A byte waits for the controller. */
  readonly onData: () => void;
  /** The key buffer has room again after `press` said no. */
  readonly onSpace: () => void;
}

export class Ps2Keyboard extends Device<typeof fields> {
  constructor(
    id: string,
    private readonly wiring: KeyboardWiring,
  ) {
    super(id, shape);
  }

  get leds(): number {
    return this.state.leds;
  }

  /**
   * Takes one key event in scan code set 2, whole or not at all: false means the buffer is full and the caller keeps it.
   * While the guest has scanning disabled the event is dropped, as by the real keyboard.
   */
  press(scanCodes: readonly number[]): boolean {
    if (!this.state.scanning) return true;
    if (this.state.output.length + scanCodes.length > KEY_BUFFER) return false;
    this.state.output.push(...(this.state.scanCodeSet === 1 ? toSet1(scanCodes) : scanCodes));
    this.wiring.onData();
    return true;
  }

  hasData(): boolean {
    return this.state.output.length > 0;
  }

  /** The controller takes the oldest byte; call only when `hasData` says so. */
  take(): number {
    const byte = this.state.output.shift() ?? this.state.lastSent;
    this.state.lastSent = byte;
    return byte;
  }

  /** The controller has put away what it took: the host may press the keys that it kept. */
  offerSpace(): void {
    this.wiring.onSpace();
  }

  /** A byte from the controller: a command or the parameter of one. */
  receive(byte: number): void {
    const command = this.state.parameterOf;
    this.state.parameterOf = null;
    // A command byte in a parameter's place abandons the first command.
    if (command !== null && byte < SET_LEDS) this.takeParameter(command, byte);
    else this.takeCommand(byte);
    if (this.hasData()) this.wiring.onData();
  }

  override resume(): void {
    this.offerSpace();
  }

  protected restored(): void {}

  protected wasReset(): void {}

  private takeCommand(command: number): void {
    switch (command) {
      case SET_LEDS:
      case SCAN_CODE_SET:
      case SET_TYPEMATIC:
        this.state.parameterOf = command;
        this.reply(REPLY_ACK);
        break;
      case ECHO:
        this.reply(ECHO);
        break;
      case IDENTIFY:
        this.reply(REPLY_ACK, ...REPLY_IDENTITY);
        break;
      case ENABLE:
        this.state.output = [];
        this.state.scanning = true;
        this.reply(REPLY_ACK);
        break;
      case DISABLE:
      case SET_DEFAULTS:
        this.setDefaults();
        if (command === DISABLE) this.state.scanning = false;
        this.reply(REPLY_ACK);
        break;
      case RESEND:
        this.reply(this.state.lastSent);
        break;
      case RESET:
        this.setDefaults();
        this.state.leds = 0;
        this.state.scanning = true;
        this.reply(REPLY_ACK, REPLY_SELF_TEST_PASSED);
        break;
      default:
        this.reply(REPLY_RESEND);
    }
  }

  private takeParameter(command: number, value: number): void {
    if (command === SCAN_CODE_SET) {
      this.chooseScanCodeSet(value);
      return;
    }
    if (command === SET_LEDS) this.state.leds = value & 0x07;
    else this.state.typematic = value & 0x7f;
    this.reply(REPLY_ACK);
  }

  private chooseScanCodeSet(value: number): void {
    if (value === 0) {
      this.reply(REPLY_ACK, this.state.scanCodeSet);
    } else if (value <= 2) {
      this.state.scanCodeSet = value;
      this.reply(REPLY_ACK);
    } else {
      this.reply(REPLY_RESEND);
    }
  }

  private setDefaults(): void {
    this.state.output = [];
    this.state.scanCodeSet = 2;
    this.state.typematic = DEFAULT_TYPEMATIC;
  }

  /** A guest that sends commands without ever reading gets no further replies, like a keyboard held off by the clock line. */
  private reply(...bytes: number[]): void {
    if (this.state.output.length + bytes.length <= KEY_BUFFER + REPLY_ROOM) this.state.output.push(...bytes);
  }
}

function toSet1(scanCodes: readonly number[]): number[] {
  const translated: number[] = [];
  let released = false;
  for (const code of scanCodes) {
    if (code !== BREAK_PREFIX) translated.push(translateToSet1(code, released));
    released = code === BREAK_PREFIX;
  }
  return translated;
}
