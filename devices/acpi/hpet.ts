// SPDX-License-Identifier: BSD-2-Clause
/**
 * High Precision Event Timer block, 1 KiB at 0xFED00000: eight 32-bit timers on a 2^24 Hz counter.
 * Reference: HPET = IA-PC HPET specification 1.0a (Intel, 2004).
 * Matches that the machine was too late for become one interrupt.
 * Not modelled: legacy replacement routing, 64-bit counting. Only aligned 4-byte accesses (or two at once) work.
 */
import type { Width } from '../../src/core/bits.js';
import type { Alarm, Clock } from '../../src/core/clock.js';
import { Device } from '../../src/core/device.js';
import { type IrqLine, pulse } from '../../src/core/irq-line.js';
import type { MmioHandler } from '../../src/core/memory-bus.js';
import type { MsiSink } from '../../src/core/msi.js';
import { RegisterMap, type RegisterRow } from '../../src/core/register-map.js';
import { bool, list, u8, u32, u64 } from '../../src/core/state-fields.js';
import { type StateOf, StateShape } from '../../src/core/state-shape.js';
import { TickRate } from '../tick-rate.js';
import {
  HPET_FIRST_PIN,
  type HpetTimer,
  pinOf,
  scheduleMatch,
  T_CAPABILITIES,
  T_ENABLE,
  T_FSB,
  T_LEVEL,
  takeMatches,
  timerField,
  writeComparator,
  writeConfig,
} from './hpet-timer.js';

const TIMERS = 8;
const PINS = 8;
const HPET_RATE = new TickRate(16_777_216n);
const PERIOD_FS = 59_604_645; // 10^15 / 2^24, rounded
const CAPABILITIES = 0x8086_0000 + ((TIMERS - 1) << 8) + 0x01; // vendor, timers, revision
const ROUTE_CAPABILITIES = 0xff00_0000; // pins 24 to 31
const CONF_ENABLE = 0x1;

export const shape = new StateShape('hpet', 1, {
  enabled: bool(),
  counter: u32({ doc: 'main counter at `since`' }),
  since: u64({ unit: 'ticks', doc: 'when the counter was started or stopped' }),
  interruptStatus: u8(),
  timers: list(timerField(), { length: TIMERS }),
});
type State = StateOf<typeof shape.fields>;

export interface HpetOutputs {
  /** Lines of I/O APIC pins 24 to 31, in this order. */
  readonly pins: readonly IrqLine[];
  readonly msi: MsiSink;
}

export class Hpet extends Device<typeof shape.fields> implements MmioHandler {
  private static readonly registers = new RegisterMap<State, Hpet>(
    shape.fields,
    1,
    [
      { at: 0x000, width: 4, name: 'GCAP_ID', get: () => CAPABILITIES },
      { at: 0x004, width: 4, name: 'COUNTER_CLK_PERIOD', get: () => PERIOD_FS },
      {
        at: 0x010,
        width: 4,
        name: 'GEN_CONF',
        get: (s) => (s.enabled ? CONF_ENABLE : 0),
        set: (_, value, hpet) => hpet.enable((value & CONF_ENABLE) !== 0),
      },
      {
        at: 0x020,
        width: 4,
        name: 'GINTR_STA',
        get: (s) => s.interruptStatus,
        set: (s, value) => {
          s.interruptStatus &= ~value;
        },
      },
      {
        at: 0x0f0,
        width: 4,
        name: 'MAIN_CNT',
        get: (_, hpet) => hpet.count(),
        set: (s, value) => {
          if (!s.enabled) s.counter = value;
        },
      },
      ...Array.from({ length: TIMERS }, (_, index) => timerRows(index)).flat(),
    ],
    { unmapped: 0 },
  );

  private readonly alarm: Alarm;

  constructor(
    id: string,
    private readonly clock: Clock,
    private readonly outputs: HpetOutputs,
  ) {
    super(id, shape);
    if (outputs.pins.length !== PINS) {
      throw new RangeError(`${id}: ${outputs.pins.length} pins: expected ${PINS}, for I/O APIC pins 24 to 31`);
    }
    this.alarm = clock.alarm(id, 'match', () => this.serve());
  }

  read(offset: number, width: Width): number {
    if (width !== 4 || offset % 4 !== 0) return 0xffff_ffff;
    this.serve();
    return Hpet.registers.read(this.state, this, 0, offset, width);
  }

  write(offset: number, width: Width, value: number): void {
    if (width !== 4 || offset % 4 !== 0) return;
    this.serve();
    Hpet.registers.write(this.state, this, 0, offset, width, value);
    this.serve(); // a comparator that equals the counter matches at once
    this.drive();
  }

  /** Main counter. */
  count(): number {
    const { enabled, counter, since } = this.state;
    return enabled ? Number(BigInt.asUintN(32, BigInt(counter) + this.tick() - since)) : counter;
  }

  setComparator(timer: HpetTimer, value: number): void {
    if (writeComparator(timer, value)) this.schedule(timer);
  }

  enable(enabled: boolean): void {
    if (enabled === this.state.enabled) return;
    this.state.counter = this.count();
    this.state.since = this.tick();
    this.state.enabled = enabled;
    for (const timer of this.state.timers) this.schedule(timer);
  }

  protected restored(): void {
    for (const [pin, line] of this.outputs.pins.entries()) line.adopt(this.pinLevel(pin));
    this.rearm();
  }

  protected wasReset(): void {
    this.drive();
  }

  private tick(): bigint {
    return HPET_RATE.ticksAt(this.clock.now());
  }

  private schedule(timer: HpetTimer): void {
    scheduleMatch(timer, this.state.enabled ? this.count() : null, this.tick());
  }

  /** Takes every match up to now, so that an access sees the block as it is at this tick. */
  private serve(): void {
    if (this.state.timers.every(({ nextMatch }) => nextMatch === null)) return;
    const now = this.tick();
    let matched = false;
    for (const [index, timer] of this.state.timers.entries()) {
      if (!takeMatches(timer, now)) continue;
      this.interrupt(timer, index);
      matched = true;
    }
    if (matched) this.drive();
  }

  /** HPET 2.3.6: a level interrupt sets its status bit even while its timer may not interrupt. */
  private interrupt(timer: HpetTimer, index: number): void {
    const enabled = (timer.config & T_ENABLE) !== 0;
    if (timer.config & T_FSB) {
      if (enabled) this.outputs.msi.send(timer.fsbAddress, timer.fsbValue);
    } else if (timer.config & T_LEVEL) {
      this.state.interruptStatus |= 1 << index;
    } else if (enabled) {
      const line = this.outputs.pins[pinOf(timer) - HPET_FIRST_PIN];
      if (line !== undefined) pulse(line);
    }
  }

  private drive(): void {
    for (const [pin, line] of this.outputs.pins.entries()) line.set(this.pinLevel(pin));
    this.rearm();
  }

  private pinLevel(pin: number): boolean {
    const { timers, interruptStatus } = this.state;
    if (interruptStatus === 0) return false;
    return timers.some(
      (timer, index) =>
        interruptStatus & (1 << index) &&
        (timer.config & (T_LEVEL | T_ENABLE | T_FSB)) === (T_LEVEL | T_ENABLE) &&
        pinOf(timer) === HPET_FIRST_PIN + pin,
    );
  }

  /** Matches that nobody is told of need no alarm: the next access takes them. */
  private rearm(): void {
    let next: bigint | null = null;
    for (const { config, nextMatch } of this.state.timers) {
      if (nextMatch === null || !(config & T_ENABLE)) continue;
      if (next === null || nextMatch < next) next = nextMatch;
    }
    if (next === null) this.alarm.disarm();
    else this.alarm.arm(HPET_RATE.timeOf(next));
  }
}

function timerRows(index: number): RegisterRow<State, Hpet>[] {
  const base = 0x100 + 0x20 * index;
  const name = `T${index}`;
  return [
    {
      at: base,
      width: 4,
      name: `${name}_CNF`,
      get: (s) => timerOf(s, index).config | T_CAPABILITIES,
      set: (s, value) => writeConfig(timerOf(s, index), value),
    },
    { at: base + 0x04, width: 4, name: `${name}_ROUTE_CAP`, get: () => ROUTE_CAPABILITIES },
    {
      at: base + 0x08,
      width: 4,
      name: `${name}_CMP`,
      get: (s) => timerOf(s, index).comparator,
      set: (s, value, hpet) => hpet.setComparator(timerOf(s, index), value),
    },
    {
      at: base + 0x10,
      width: 4,
      name: `${name}_FSB_VAL`,
      get: (s) => timerOf(s, index).fsbValue,
      set: (s, value) => {
        timerOf(s, index).fsbValue = value;
      },
    },
    {
      at: base + 0x14,
      width: 4,
      name: `${name}_FSB_ADDR`,
      get: (s) => timerOf(s, index).fsbAddress,
      set: (s, value) => {
        timerOf(s, index).fsbAddress = value;
      },
    },
  ];
}

function timerOf(state: State, index: number): HpetTimer {
  const timer = state.timers[index];
  if (timer === undefined) throw new RangeError(`HPET timer ${index}: expected 0 to ${TIMERS - 1}`);
  return timer;
}
