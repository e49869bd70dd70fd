// SPDX-License-Identifier: BSD-2-Clause
/** Writes down every input of a machine under the virtual clock, with the instant at which the machine took it. */
import type { Logger } from '../../core/log.js';
import { ConfigError } from '../config-error.js';
import type { SliceEnd } from '../exit-loop.js';
import type { Machine } from '../machine.js';
import type { CommandName } from '../thread-messages.js';
import { headField, type InputName, instantField, isInput, savedArguments } from './input-fields.js';
import type { Inputs } from './inputs.js';
import { settingsOf } from './machine-settings.js';
import { RecordWriter } from './record-file.js';

/** They would have to be followed by what the main thread decides about the machine's life. */
const REFUSED: readonly CommandName[] = ['reset'];
/** Lost on the way to a machine that stands still. */
const WHILE_RUNNING: readonly CommandName[] = ['receiveFrames'];
const ENDS: readonly CommandName[] = ['powerOff', 'powerOffToReset'];

export class RecordedInputs implements Inputs {
  private writer: RecordWriter | null;
  private isSwitchedOff = false;

  constructor(
    private readonly machine: Machine,
    private readonly log: Logger,
    path: string,
  ) {
    const { config } = machine.parts;
    if (config.clock.kind !== 'virtual') throw new ConfigError('record', 'needs the virtual clock: --clock virtual');
    this.writer = new RecordWriter(path);
    machine.settlesBeforePauses = true;
    this.append(headField.save({ start: this.instant, settings: settingsOf(config) }));
    this.rest();
  }

  take(name: CommandName, given: readonly unknown[], work: () => unknown): unknown {
    if (REFUSED.includes(name)) throw new Error(`cannot ${name} a machine whose inputs are recorded`);
    if (!isInput(name) && !ENDS.includes(name)) return work();
    if (this.machine.state === 'running') this.machine.settle();
    if (this.machine.state === 'stopped') return work();
    if (!isInput(name)) this.isSwitchedOff = true;
    const result = work(); // what the machine refuses has not come in
    if (isInput(name) && !this.isLost(name)) this.write(name, given);
    return result;
  }

  runSlice(): SliceEnd {
    return this.machine.runSlice();
  }

  rest(): void {
    this.guarded((writer) => writer.write());
  }

  end(): void {
    if (this.machine.state === 'running') this.machine.settle();
    const exits = this.machine.parts.hash?.digest() ?? '';
    const bySelf = this.machine.state === 'stopped' && !this.isSwitchedOff;
    this.append({ at: instantField.save(this.instant), bySelf, exits });
    this.guarded((writer) => writer.close());
    this.writer = null;
  }

  private isLost(name: InputName): boolean {
    return this.machine.state !== 'running' && WHILE_RUNNING.includes(name);
  }

  private get instant() {
    const { time, instructions } = this.machine;
    return { time, instructions };
  }

  private write(name: InputName, given: readonly unknown[]): void {
    this.append({ at: instantField.save(this.instant), name, given: savedArguments(name, given) });
  }

  private append(value: Parameters<RecordWriter['append']>[0]): void {
    this.guarded((writer) => writer.append(value));
  }

  /** The machine is worth more than its recording. */
  private guarded(work: (writer: RecordWriter) => void): void {
    if (this.writer === null) return;
    try {
      work(this.writer);
    } catch (error) {
      this.writer = null;
      this.log.error(`${(error as Error).message}; the recording ends here, the VM runs on`);
    }
  }
}
