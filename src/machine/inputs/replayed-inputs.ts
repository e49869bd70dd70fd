// SPDX-License-Identifier: BSD-2-Clause
/** Gives a machine the inputs of a recording at the instants of the recording, and nothing else. */
import type { Logger } from '../../core/log.js';
import { StateError } from '../../core/state-error.js';
import type { SliceEnd } from '../exit-loop.js';
import type { Machine } from '../machine.js';
import type { CommandName } from '../thread-messages.js';
import { InputError } from './input-error.js';
import { type Entry, entryOf, headField, type Instant, isInput } from './input-fields.js';
import type { Inputs } from './inputs.js';
import { firstDifference, settingsOf } from './machine-settings.js';
import { RecordReader } from './record-file.js';
import { refusedAnswer } from './refused-inputs.js';

/** Carries out a request of the recording. */
export type Carry = (name: CommandName, given: readonly unknown[]) => unknown;

export class ReplayedInputs implements Inputs {
  private readonly reader: RecordReader;
  private next: Entry | null;
  private hasWarned = false;

  constructor(
    private readonly machine: Machine,
    private readonly log: Logger,
    private readonly path: string,
    private readonly carry: Carry,
  ) {
    this.reader = new RecordReader(path);
    this.checkHead();
    this.next = this.read();
    this.takeDue(); // what came before the first instruction
  }

  take(name: CommandName, given: readonly unknown[], work: () => unknown): unknown {
    if (name === 'reset') throw new Error(`cannot ${name} a machine that replays a recording`);
    if (!isInput(name)) return work();
    const why = `the VM replays ${this.path} and takes no other input`;
    if (name !== 'setConsoleOpen' && name !== 'resizeConsole' && !this.hasWarned) {
      this.hasWarned = true;
      this.log.warn(why);
    }
    return refusedAnswer(name, given, why);
  }

  runSlice(): SliceEnd {
    if (this.next === null) return 'ran';
    const end = this.machine.runSlice(dueTime(this.next));
    if (end === 'stopped') this.stopped(this.next);
    if (end !== 'limit') return end;
    this.takeDue();
    return 'ran';
  }

  rest(): void {}

  end(): void {
    this.reader.close();
  }

  /** By its own doing. */
  private stopped(next: Entry): void {
    if (next.name !== 'end') throw this.difference(at(next), `it stopped at ${at(this.machine)}`);
    this.compareEnd(next);
  }

  private takeDue(): void {
    const { machine } = this;
    for (let entry = this.next; entry !== null && dueTime(entry) <= machine.time; entry = this.next) {
      this.checkInstant(entry);
      this.next = null;
      if (entry.name === 'end') {
        this.compareEnd(entry);
        machine.powerOff();
        return;
      }
      this.carry(entry.name, entry.given);
      this.next = this.read();
    }
    if (this.next === null) this.breaksOff();
  }

  private breaksOff(): void {
    this.log.warn(`recording ${this.path} ends at ${this.machine.time} ns without saying how the run went on`);
    this.machine.powerOff();
  }

  private compareEnd({ exits, ...instant }: Entry & { name: 'end' }): void {
    this.next = null;
    this.checkInstant(instant);
    const here = this.machine.parts.hash?.digest() ?? '';
    if (here !== exits) throw this.difference(`exits ${exits}`, here);
    this.log.warn(`replayed ${this.path} to its end: all is as recorded`);
  }

  private checkInstant({ time, instructions }: Instant): void {
    const { machine } = this;
    if (machine.instructions === instructions && machine.time === time) return;
    throw this.difference(at({ time, instructions }), at(machine));
  }

  private difference(recorded: string, here: string): InputError {
    return new InputError(this.path, `this run is another one: recorded ${recorded}, here ${here}`);
  }

  private checkHead(): void {
    const head = this.loading(() => headField.load(this.reader.next(), 'head'));
    const different = firstDifference(head.settings, settingsOf(this.machine.parts.config));
    if (different !== null) throw new InputError(this.path, different);
    this.checkInstant(head.start);
  }

  private read(): Entry | null {
    const saved = this.reader.next();
    return saved === null ? null : this.loading(() => entryOf(saved));
  }

  private loading<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof StateError) throw new InputError(this.path, cause.message, { cause });
      throw cause;
    }
  }
}

/** A guest may stop anywhere within the nanosecond; it has done so when that is over. */
function dueTime(entry: Entry): bigint {
  return entry.name === 'end' && entry.bySelf ? entry.time + 1n : entry.time;
}

function at({ time, instructions }: Instant): string {
  return `${instructions} instructions at ${time} ns`;
}
