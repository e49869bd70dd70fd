// SPDX-License-Identifier: BSD-2-Clause

import type { Alarm, Clock } from '../../src/core/clock.js';
import { Device } from '../../src/core/device.js';
import type { ByteSink } from '../../src/core/input.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import { RegisterMap } from '../../src/core/register-map.js';
import { bool, byteList, optional, u8, u16, u64 } from '../../src/core/state-fields.js';
import { type StateOf, StateShape } from '../../src/core/state-shape.js';
import { deviceContract } from '../contract/device.contract.js';
import { hiddenState, injectedMembers } from '../support/reflection.js';
import { Rig } from '../support/rig.js';

const shape = new StateShape('sample', 1, {
  control: u8({ mask: 0x0f }),
  divisor: u16({ initial: 1 }),
  fifo: byteList({ max: 4 }),
  pending: bool(),
  deadline: optional(u64({ unit: 'ns' })),
  battery: u8({ keepOnReset: true }),
});
type State = StateOf<typeof shape.fields>;

/** A small chip with one of everything: a mask, a queue, a line, an alarm, a host side, a battery-backed byte. */
class Sample extends Device<typeof shape.fields> {
  private static readonly registers = new RegisterMap<State, Sample>(shape.fields, 1, [
    { at: 0, name: 'CONTROL', field: 'control', after: (chip) => chip.driveLine() },
    { at: 1, name: 'DATA', get: (s) => s.fifo.shift() ?? 0, set: (_, value, chip) => chip.output.write(value) },
    { at: 2, name: 'DIVISOR', field: 'divisor', width: 2 },
    { at: 4, name: 'BATTERY', field: 'battery' },
  ]);
  private readonly alarm: Alarm;
  busy: (() => boolean) | undefined;

  constructor(
    id: string,
    private readonly irq: IrqLine,
    private readonly output: ByteSink,
    private readonly clock: Clock,
  ) {
    super(id, shape);
    this.alarm = clock.alarm(id, 'tick', () => this.tick());
  }

  write(offset: number, width: 1 | 2 | 4, value: number): void {
    Sample.registers.write(this.state, this, 0, offset, width, value);
  }

  receive(byte: number): void {
    this.state.fifo.push(byte);
    this.state.deadline = this.clock.now() + 10n;
    this.alarm.arm(this.state.deadline);
  }

  override isQuiet(): boolean {
    return this.busy?.() !== true;
  }

  protected override restored(): void {
    this.irq.adopt(this.level);
    if (this.state.deadline === null) this.alarm.disarm();
    else this.alarm.arm(this.state.deadline);
  }

  protected override wasReset(): void {
    this.alarm.disarm();
    this.driveLine();
  }

  private get level(): boolean {
    return this.state.pending && this.state.control !== 0;
  }

  private tick(): void {
    this.state.deadline = null;
    this.state.pending = true;
    this.driveLine();
  }

  private driveLine(): void {
    this.irq.set(this.level);
  }
}

const make = (rig: Rig): Sample => new Sample('sample0', rig.line(), rig.sink, rig.clock);

deviceContract('sample device', make, {
  operate: (chip, rig) => {
    chip.write(0, 4, 0x1234_41ff);
    chip.write(4, 1, 0x77);
    chip.receive(1);
    rig.clock.advance(10n);
    chip.receive(2);
  },
  notState: { busy: 'a switch of this test' },
});

test('an alarm goes on after a restore, at the deadline it had', () => {
  const [from, to] = [new Rig(), new Rig()];
  const chip = make(from);
  chip.write(0, 1, 1);
  chip.receive(5);
  from.clock.advance(4n);
  const copy = make(to);
  to.clock.set(4n);
  copy.deserialize(chip.serialize());
  to.clock.advance(5n);
  expect(to.setCalls).toBe(0);
  to.clock.advance(1n);
  expect(to.lines[0]?.sets).toEqual([true]);
});

test('a device with work in flight cannot be saved or restored', () => {
  const chip = make(new Rig());
  const saved = chip.serialize();
  chip.busy = () => true;
  expect(() => chip.serialize()).toThrow('sample0: cannot save while work is in flight: pause first');
  expect(() => chip.deserialize(saved)).toThrow('sample0: cannot restore while work is in flight');
});

test('reflection finds state that hides outside the declaration', () => {
  const members = injectedMembers({ id: 'x', shape, state: {}, count: 1, rig: new Rig() });
  expect([...members.keys()]).toEqual(['count', 'rig']);
  expect([3, 'x', null, undefined, [], new Uint8Array(1), new Map()].map(hiddenState)).not.toContain(undefined);
  expect([new Rig(), () => 1, Object.freeze([1])].map(hiddenState)).toEqual([undefined, undefined, undefined]);
});
