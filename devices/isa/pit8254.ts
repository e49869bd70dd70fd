// SPDX-License-Identifier: BSD-2-Clause
/**
 * 8254 programmable interval timer at ports 0x40-0x43: counter 0 is IRQ 0, counter 2 the speaker.
 * Reference: I8254 = Intel 8254 data sheet (231164-005).
 * IRQ 0 is pulsed at each rise of OUT; rises that the machine was too late for become one. A control word that lifts
 * OUT by itself gives no interrupt.
 */
import type { Alarm, Clock } from '../../src/core/clock.js';
import { Device } from '../../src/core/device.js';
import { type IrqLine, pulse } from '../../src/core/irq-line.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { optional, u64 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { TickRate } from '../tick-rate.js';
import { bytePorts } from './byte-ports.js';
import {
  type Counter,
  countAt,
  counterField,
  isNullCount,
  nextRise,
  outputAt,
  program,
  setGate,
  settle,
  stopForNewCount,
  writeCount,
} from './pit8254-counter.js';

const PIT_RATE = new TickRate(1_193_182n);

const CONTROL = 3; // the port of the control word, and SC1-SC0 of a read-back command
const READ_BACK_NO_COUNT = 0x20; // both are active low
const READ_BACK_NO_STATUS = 0x10;
const STATUS_OUTPUT = 0x80;
const STATUS_NULL_COUNT = 0x40;
const ACCESS = ['word', 'low', 'high', 'word'] as const; // by RW1-RW0, where 0 is the latch command

export const shape = new StateShape('pit8254', 1, {
  counter0: counterField(true),
  counter1: counterField(true),
  counter2: counterField(false),
  nextInterrupt: optional(u64(), { unit: 'ticks', doc: 'the next rise of OUT 0' }),
});

export class Pit8254 extends Device<typeof shape.fields> {
  /** Ports 0x40-0x43. */
  readonly ports: PortHandler;
  private readonly alarm: Alarm;

  constructor(
    id: string,
    private readonly clock: Clock,
    private readonly irq0: IrqLine,
  ) {
    super(id, shape);
    this.alarm = clock.alarm(id, 'out0', () => this.serve());
    this.ports = bytePorts(
      (offset) => this.read(offset),
      (offset, value) => this.write(offset, value),
    );
  }

  /** OUT of counter 2, which the speaker hears and port 0x61 shows. */
  get speakerOutput(): boolean {
    const now = this.serve();
    return outputAt(this.state.counter2, now);
  }

  /** Gate of counter 2, driven by port 0x61. */
  setSpeakerGate(level: boolean): void {
    const now = this.serve();
    setGate(this.state.counter2, now, level);
  }

  protected restored(): void {
    this.irq0.adopt(false);
    this.rearm();
  }

  protected wasReset(): void {
    this.irq0.set(false);
    this.rearm();
  }

  private read(offset: number): number {
    const counter = this.counter(offset);
    return counter === null ? 0xff : readByte(counter, this.serve());
  }

  private write(offset: number, value: number): void {
    const now = this.serve();
    const counter = this.counter(offset);
    if (counter !== null) writeByte(counter, now, value);
    else this.writeControl(now, value);
    this.state.nextInterrupt = nextRise(this.state.counter0, now);
    this.rearm();
  }

  private writeControl(now: bigint, value: number): void {
    const counter = this.counter(value >> 6);
    if (counter === null) this.readBack(now, value);
    else control(counter, now, value);
  }

  private readBack(now: bigint, value: number): void {
    [this.state.counter0, this.state.counter1, this.state.counter2].forEach((counter, index) => {
      if (!(value & (2 << index))) return;
      if (!(value & READ_BACK_NO_COUNT)) latchCount(counter, now);
      if (!(value & READ_BACK_NO_STATUS)) counter.latchedStatus ??= status(counter, now);
    });
  }

  private counter(index: number): Counter | null {
    if (index === CONTROL) return null;
    return index === 0 ? this.state.counter0 : index === 1 ? this.state.counter1 : this.state.counter2;
  }

  /** Brings everything up to now: an interrupt that is due comes before the access that finds it so. */
  private serve(): bigint {
    const now = PIT_RATE.ticksAt(this.clock.now());
    const { counter0, counter1, counter2, nextInterrupt } = this.state;
    for (const counter of [counter0, counter1, counter2]) settle(counter, now);
    if (nextInterrupt === null || nextInterrupt > now) return now;
    this.state.nextInterrupt = nextRise(counter0, now);
    this.rearm();
    pulse(this.irq0);
    return now;
  }

  private rearm(): void {
    const { nextInterrupt } = this.state;
    if (nextInterrupt === null) this.alarm.disarm();
    else this.alarm.arm(PIT_RATE.timeOf(nextInterrupt));
  }
}

function control(counter: Counter, now: bigint, value: number): void {
  const access = (value >> 4) & 3;
  if (access === 0) {
    latchCount(counter, now);
    return;
  }
  const mode = (value >> 1) & 7;
  program(counter, mode > 5 ? mode - 4 : mode, ACCESS[access] ?? 'word', (value & 1) !== 0);
}

function latchCount(counter: Counter, now: bigint): void {
  counter.latchedCount ??= countAt(counter, now);
}

/** I8254 "Status Byte": OUT, NULL COUNT, then the control word as it was written. */
function status(counter: Counter, now: bigint): number {
  const access = { low: 0x10, high: 0x20, word: 0x30 }[counter.access];
  return (
    (outputAt(counter, now) ? STATUS_OUTPUT : 0) |
    (isNullCount(counter) ? STATUS_NULL_COUNT : 0) |
    access |
    (counter.mode << 1) |
    (counter.bcd ? 1 : 0)
  );
}

function readByte(counter: Counter, now: bigint): number {
  const latched = counter.latchedStatus;
  if (latched !== null) {
    counter.latchedStatus = null;
    return latched;
  }
  const value = counter.latchedCount ?? countAt(counter, now);
  const high = counter.access === 'high' || (counter.access === 'word' && counter.readHigh);
  counter.readHigh = counter.access === 'word' && !high;
  if (!counter.readHigh) counter.latchedCount = null;
  return high ? value >> 8 : value & 0xff;
}

function writeByte(counter: Counter, now: bigint, value: number): void {
  stopForNewCount(counter);
  if (counter.access === 'word' && counter.lowByte === null) {
    counter.lowByte = value;
    return;
  }
  const low = counter.access === 'low' ? value : (counter.lowByte ?? 0);
  const high = counter.access === 'low' ? 0 : value;
  counter.lowByte = null;
  writeCount(counter, now, (high << 8) | low);
}
