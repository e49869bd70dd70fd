// SPDX-License-Identifier: BSD-2-Clause
/**
 * MC146818A real-time clock with 128 bytes of CMOS memory, ports 0x70 and 0x71, IRQ 8.
 * Reference: MC146818 = Motorola MC146818A data sheet (1984); the century byte 0x32 is the PC's.
 * The time of day is a base plus VM time, so nothing runs between accesses except for interrupts that are enabled.
 * Not modelled: daylight saving, the square-wave pin, time bases other than 32.768 kHz.
 */
import type { Alarm, Clock } from '../../src/core/clock.js';
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { bool, bytes, i64, optional, u8, u64 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { bytePorts } from './byte-ports.js';
import type { CmosByte } from './cmos-layout.js';
import { CLOCK_BYTES, type ClockFormat, clockByte, nextAlarmTime, readClock } from './rtc-calendar.js';
import { nextPeriodic } from './rtc-periodic.js';

const SECOND = 1_000_000_000n;
const HALF_SECOND = SECOND / 2n;
const UIP_TIME = 244_000n; // MC146818 "Update Cycle": UIP rises 244 us before the update

const REGISTER_A = 0x0a;
const REGISTER_B = 0x0b;
const REGISTER_C = 0x0c;
const REGISTER_D = 0x0d;
const A_UIP = 0x80;
const A_DIVIDER = 0x70;
const A_DIVIDER_32KHZ = 0x20;
const A_RATE = 0x0f;
const A_POWER_ON = 0x26; // 32.768 kHz, 1024 Hz
const B_SET = 0x80;
const B_BINARY = 0x04;
const B_24_HOURS = 0x02;
const B_CLEARED_BY_RESET = 0x78; // PIE, AIE, UIE, SQWE
const C_IRQF = 0x80;
const PERIODIC = 0x40; // the flag in register C and the enable in register B
const ALARM = 0x20;
const UPDATE = 0x10;
const D_VALID = 0x80;
const NMI_DISABLE = 0x80;
const INDEX = 0x7f;

const battery = { keepOnReset: true };

const FIRST_TIME = -62_167_219_200n; // four digits of year: 0000-01-01
const LAST_TIME = 253_402_300_799n; // to 9999-12-31

export const shape = new StateShape('rtc-mc146818', 1, {
  index: u8({ mask: INDEX }),
  nmiDisabled: bool(),
  memory: bytes(128, {
    ...battery,
    doc: 'registers A and B, alarm, CMOS; the clock bytes count while the clock stands',
  }),
  time: optional(i64({ min: FIRST_TIME, max: LAST_TIME }), {
    ...battery,
    unit: 's',
    doc: 'seconds since 1970 before `nextUpdate`; null: stopped',
  }),
  nextUpdate: u64({ ...battery, unit: 'ns', doc: 'VM time of the update that ends the second `time`' }),
  flags: u8({ mask: PERIODIC | ALARM | UPDATE, doc: 'PF, AF, UF of register C' }),
  flagsUntil: u64({ ...battery, unit: 'ns', doc: 'VM time up to which events are in `flags`' }),
});

export interface RtcOptions {
  /** Seconds since 1970, in the guest's idea of local time, that the clock shows at power-on. */
  readonly powerOnTime: bigint;
  readonly cmos?: readonly CmosByte[];
}

export class RtcMc146818 extends Device<typeof shape.fields> {
  /** Ports 0x70-0x71. */
  readonly ports: PortHandler;
  private readonly alarm: Alarm;

  constructor(
    id: string,
    private readonly clock: Clock,
    private readonly irq8: IrqLine,
    options: RtcOptions,
  ) {
    super(id, shape);
    this.alarm = clock.alarm(id, 'interrupt', () => this.serve());
    this.ports = bytePorts(
      (offset) => (offset === 0 ? 0xff : this.readData()),
      (offset, value) => (offset === 0 ? this.select(value) : this.writeData(value)),
    );
    const { powerOnTime, cmos = [] } = options;
    if (powerOnTime < FIRST_TIME || powerOnTime > LAST_TIME) {
      throw new RangeError(`${id}: power-on time ${powerOnTime}: expected ${FIRST_TIME} to ${LAST_TIME} seconds`);
    }
    this.state.memory[REGISTER_A] = A_POWER_ON;
    this.state.memory[REGISTER_B] = B_24_HOURS;
    for (const { index, value } of cmos) this.state.memory[index] = value;
    this.state.time = powerOnTime;
    this.state.flagsUntil = clock.now();
    this.state.nextUpdate = clock.now() + SECOND;
  }

  /** Bit 7 of port 0x70 keeps NMIs from the processor. */
  get nmiDisabled(): boolean {
    return this.state.nmiDisabled;
  }

  /** Time that passed outside, while VM time stood still: the chip has a battery. Periodic interrupts keep their phase. */
  advance(nanoseconds: bigint): void {
    const now = this.serve();
    const time = this.timeAt(now);
    if (time === null) return;
    const due = this.updateTo(time + 1n) - nanoseconds;
    const updates = due > now ? 0n : (now - due) / SECOND + 1n;
    const alarm = nextAlarmTime(this.state.memory, this.format, Number(time));
    if (updates > 0n) this.state.flags |= UPDATE;
    if (alarm !== null && BigInt(alarm) <= time + updates) this.state.flags |= ALARM;
    this.state.time = time + updates > LAST_TIME ? LAST_TIME : time + updates;
    this.state.nextUpdate = due + updates * SECOND;
    this.driveIrq();
  }

  protected restored(): void {
    this.irq8.adopt(this.interrupting());
    this.rearm();
  }

  /** MC146818 "RESET": interrupt enables and flags fall; clock, calendar and memory live on. */
  protected wasReset(): void {
    this.setMemory(REGISTER_B, this.registerB & ~B_CLEARED_BY_RESET);
    this.state.flagsUntil = this.clock.now();
    this.driveIrq();
  }

  private select(value: number): void {
    this.state.index = value & INDEX;
    this.state.nmiDisabled = (value & NMI_DISABLE) !== 0;
  }

  private readData(): number {
    const { index } = this.state;
    const now = this.clock.now();
    if (index === REGISTER_A) return this.registerA | (this.isUpdating(now) ? A_UIP : 0);
    if (index === REGISTER_C) return this.takeFlags();
    if (index === REGISTER_D) return D_VALID;
    const time = this.timeAt(now);
    if (time === null || !CLOCK_BYTES.includes(index)) return this.memory(index);
    return clockByte(index, Number(time), this.format);
  }

  private writeData(value: number): void {
    const { index } = this.state;
    const now = this.serve();
    if (index === REGISTER_C || index === REGISTER_D) return;
    if (index === REGISTER_A) this.writeRegisterA(now, value & ~A_UIP);
    else if (index === REGISTER_B) this.writeRegisterB(now, value);
    else if (CLOCK_BYTES.includes(index)) this.writeClockByte(now, index, value);
    else this.setMemory(index, value);
    this.driveIrq();
  }

  private writeRegisterA(now: bigint, value: number): void {
    const wasHeld = this.isDividerHeld;
    if (!wasHeld) this.stopClock(now);
    this.setMemory(REGISTER_A, value);
    // MC146818 "Divider Control": the first update comes half a second after the divider starts.
    if (wasHeld && !this.isDividerHeld) this.state.nextUpdate = now + HALF_SECOND;
    this.startClock(now);
  }

  private writeRegisterB(now: bigint, value: number): void {
    this.stopClock(now);
    // MC146818 "Register B": UIE falls when SET rises.
    this.setMemory(REGISTER_B, value & B_SET ? value & ~UPDATE : value);
    this.startClock(now);
  }

  private writeClockByte(now: bigint, index: number, value: number): void {
    this.stopClock(now);
    this.setMemory(index, value);
    this.startClock(now);
  }

  /** Puts the time into the clock bytes, in the format that is in force. */
  private stopClock(now: bigint): void {
    const time = this.timeAt(now);
    if (time === null) return;
    for (const index of CLOCK_BYTES) this.setMemory(index, clockByte(index, Number(time), this.format));
    this.state.time = null;
  }

  /** Runs on from what the clock bytes say; bytes that are no date leave the clock standing, for the next write to mend. */
  private startClock(now: bigint): void {
    const running = !(this.registerB & B_SET) && !this.isDividerHeld;
    const time = running ? readClock(this.state.memory, this.format) : null;
    this.state.time = time === null ? null : BigInt(time);
    const { nextUpdate } = this.state;
    if (nextUpdate <= now) this.state.nextUpdate = nextUpdate + ((now - nextUpdate) / SECOND + 1n) * SECOND;
  }

  private timeAt(now: bigint): bigint | null {
    const { time, nextUpdate } = this.state;
    if (time === null) return null;
    return now < nextUpdate ? time : time + (now - nextUpdate) / SECOND + 1n;
  }

  /** VM time at which the clock begins to show `time`. */
  private updateTo(time: bigint): bigint {
    return this.state.nextUpdate + (time - (this.state.time ?? time) - 1n) * SECOND;
  }

  private isUpdating(now: bigint): boolean {
    const time = this.timeAt(now);
    return time !== null && this.updateTo(time + 1n) - now <= UIP_TIME;
  }

  /** Reading register C acknowledges everything in it. */
  private takeFlags(): number {
    this.serve();
    const flags = this.state.flags | (this.interrupting() ? C_IRQF : 0);
    this.state.flags = 0;
    this.driveIrq();
    return flags;
  }

  /** Gathers the events since the last time, and tells the guest. Returns the VM time. */
  private serve(): bigint {
    const now = this.clock.now();
    for (const event of [PERIODIC, ALARM, UPDATE]) {
      const due = this.nextEvent(event);
      if (due !== null && due <= now) this.state.flags |= event;
    }
    this.state.flagsUntil = now;
    this.driveIrq();
    return now;
  }

  /** VM time of the first event of a kind after `flagsUntil`. */
  private nextEvent(event: number): bigint | null {
    const since = this.state.flagsUntil;
    if (event === PERIODIC) return this.isDividerHeld ? null : nextPeriodic(since, this.registerA & A_RATE);
    const time = this.timeAt(since);
    if (time === null) return null;
    if (event === UPDATE) return this.updateTo(time + 1n);
    const match = nextAlarmTime(this.state.memory, this.format, Number(time));
    return match === null ? null : this.updateTo(BigInt(match));
  }

  private interrupting(): boolean {
    return (this.state.flags & this.registerB) !== 0;
  }

  private driveIrq(): void {
    this.irq8.set(this.interrupting());
    this.rearm();
  }

  /** A flag that is already up cannot interrupt again before register C is read: it needs no alarm. */
  private rearm(): void {
    let deadline: bigint | null = null;
    for (const event of [PERIODIC, ALARM, UPDATE]) {
      if (!(this.registerB & event) || this.state.flags & event) continue;
      const due = this.nextEvent(event);
      if (due !== null && (deadline === null || due < deadline)) deadline = due;
    }
    if (deadline === null) this.alarm.disarm();
    else this.alarm.arm(deadline);
  }

  private get registerA(): number {
    return this.memory(REGISTER_A);
  }

  private get registerB(): number {
    return this.memory(REGISTER_B);
  }

  private get format(): ClockFormat {
    return { binary: (this.registerB & B_BINARY) !== 0, hours24: (this.registerB & B_24_HOURS) !== 0 };
  }

  private get isDividerHeld(): boolean {
    return (this.registerA & A_DIVIDER) !== A_DIVIDER_32KHZ;
  }

  private memory(index: number): number {
    return this.state.memory[index] ?? 0;
  }

  private setMemory(index: number, value: number): void {
    this.state.memory[index] = value;
  }
}
