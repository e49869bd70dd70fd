// SPDX-License-Identifier: BSD-2-Clause
/**
 * What has been typed on a console and not yet taken by the guest's serial port, and a script that types by itself when
 * a VM time has come or a text has appeared. Both are part of the machine: a restore loses no key.
 */
import type { Alarm, Clock } from '../../src/core/clock.js';
import { Device } from '../../src/core/device.js';
import { byteList, u32 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';

/** A host that pastes more has to wait. */
const TYPED_MAX = 65_536;
/** Room for what a process has read before it stops to read, for a suspend. */
const PENDING_MAX = 524_288;
const TEXT_MAX = 256;

const kept = { keepOnReset: true };

const fields = {
  pending: byteList({ ...kept, max: PENDING_MAX, doc: 'typed bytes that wait for the receiver, oldest first' }),
  step: u32({ ...kept, doc: 'next step of the script' }),
  tail: byteList({ max: TEXT_MAX, doc: 'latest output since the step became the next one' }),
};
const shape = new StateShape('console-input', 2, fields, {
  upgrades: { 1: (old) => old }, // at most 65536 bytes waited
});

/** Sends `send` at VM time `at`, or when the guest has written `after`. */
export interface TypedStep {
  readonly send: Uint8Array;
  readonly at: bigint | null;
  readonly after: Uint8Array | null;
}

export interface ConsoleInputWiring {
  /** The receiver's end of the line: false means it has no room and will ask again through `offer`. */
  readonly receive: (byte: number) => boolean;
  readonly clock: Clock;
  readonly script: readonly TypedStep[];
}

export class ConsoleInput extends Device<typeof fields> {
  private readonly alarm: Alarm;

  constructor(
    id: string,
    private readonly wiring: ConsoleInputWiring,
  ) {
    super(id, shape);
    const bad = wiring.script.findIndex(
      ({ after }) => after !== null && (after.length === 0 || after.length > TEXT_MAX),
    );
    if (bad >= 0) throw new RangeError(`${id}: script[${bad}].after: expected 1 to ${TEXT_MAX} bytes`);
    this.alarm = wiring.clock.alarm(id, 'script', () => this.typeStep());
    this.arm();
  }

  /** Types bytes and tells how many there was room for. */
  type(bytes: Uint8Array): number {
    const taken = Math.max(0, Math.min(bytes.length, TYPED_MAX - this.state.pending.length));
    this.typeAll(bytes.subarray(0, taken));
    return taken;
  }

  /** Types the last bytes before the state is saved: for these there is more room. */
  typeAll(bytes: Uint8Array): void {
    const { pending } = this.state;
    const room = PENDING_MAX - pending.length;
    if (bytes.length > room) throw new RangeError(`${this.id}: typed ${bytes.length} bytes: expected at most ${room}`);
    for (const byte of bytes) pending.push(byte);
    this.offer();
  }

  /** Gives the receiver what it takes; to be called whenever it has room again. */
  offer(): void {
    const { pending } = this.state;
    let taken = 0;
    for (const byte of pending) {
      if (!this.wiring.receive(byte)) break;
      taken += 1;
    }
    if (taken > 0) pending.splice(0, taken);
  }

  /** Every byte of the guest's output passes here. */
  saw(byte: number): void {
    const after = this.step?.after;
    if (after === null || after === undefined) return;
    const { tail } = this.state;
    tail.push(byte);
    if (tail.length > after.length) tail.shift();
    if (tail.length === after.length && after.every((expected, index) => expected === tail[index])) this.typeStep();
  }

  protected restored(): void {
    this.arm();
  }

  protected wasReset(): void {
    this.arm();
  }

  private get step(): TypedStep | undefined {
    return this.wiring.script[this.state.step];
  }

  private typeStep(): void {
    const bytes = this.step?.send ?? new Uint8Array();
    this.state.step += 1;
    this.state.tail = [];
    this.arm();
    this.type(bytes);
  }

  private arm(): void {
    const at = this.step?.at ?? null;
    if (at === null) this.alarm.disarm();
    else this.alarm.arm(at);
  }
}
