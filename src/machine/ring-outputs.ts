// SPDX-License-Identifier: BSD-2-Clause
/**
 * What the consoles of a machine write, on its thread. Nothing here waits for whoever reads it (decision 0028): in real
 * time a ring that is full has no room, and what comes nevertheless is lost; under the virtual clock, where a guest must not
 * notice its reader, all is kept, and the machine stands still until there is room.
 */
import type { ByteSink } from '../core/input.js';
import type { Logger } from '../core/log.js';
import type { ConsoleId } from './config.js';
import { ConsoleRing } from './console-ring.js';
import type { ConsoleOutputs } from './serial-consoles.js';

/** What one access of a guest, or the few steps to where it can be saved, may write beyond a full ring; more is lost. */
const MOST_KEPT = 1024 * 1024;

export interface RingReader {
  /** The ring of this console was empty. */
  written(port: ConsoleId): void;
  /** These bytes follow what is in the ring of a machine that has stopped. */
  rest(port: ConsoleId, bytes: Uint8Array): void;
}

export class RingOutputs {
  readonly sinks: ConsoleOutputs;
  private readonly outputs: RingOutput[];

  constructor(
    rings: Readonly<Partial<Record<ConsoleId, SharedArrayBuffer>>>,
    private readonly reader: RingReader,
    log: Logger,
  ) {
    const entries = Object.entries(rings) as [ConsoleId, SharedArrayBuffer][]; // the keys that ThreadData declares
    this.outputs = entries.map(([port, memory]) => new RingOutput(port, new ConsoleRing(memory), reader, log));
    this.sinks = Object.fromEntries(this.outputs.map((output) => [output.port, output]));
  }

  /** From now on nothing is lost. `onFull`: the machine is not to run on for long. */
  keepAll(onFull: () => void): void {
    for (const output of this.outputs) output.onFull = onFull;
  }

  /** Moves what is kept into the rings. False while it does not fit. */
  flush(): boolean {
    return this.outputs.filter((output) => !output.flush()).length === 0;
  }

  /** The machine has stopped: nobody has to wait any more. */
  end(): void {
    for (const output of this.outputs) {
      const rest = output.takeKept();
      if (rest.length > 0) this.reader.rest(output.port, rest);
    }
  }
}

class RingOutput implements ByteSink {
  onFull: (() => void) | null = null;
  private kept: number[] = [];

  constructor(
    readonly port: ConsoleId,
    private readonly ring: ConsoleRing,
    private readonly reader: RingReader,
    private readonly log: Logger,
  ) {}

  /** When there is none, the reader is asked to tell of some. */
  get room(): number | undefined {
    if (this.onFull !== null) return undefined;
    return this.isFull() ? 0 : this.ring.room;
  }

  write(byte: number): void {
    if (this.kept.length === 0 && !this.isFull()) this.push(byte);
    else if (this.onFull !== null && this.kept.length < MOST_KEPT) this.keep(byte, this.onFull);
    else this.lose();
  }

  flush(): boolean {
    if (this.kept.length === 0) return true;
    let done = 0;
    for (const byte of this.kept) {
      if (this.isFull()) break;
      this.push(byte);
      done += 1;
    }
    this.kept.splice(0, done);
    return this.kept.length === 0;
  }

  takeKept(): Uint8Array {
    const bytes = Uint8Array.from(this.kept);
    this.kept = [];
    return bytes;
  }

  private push(byte: number): void {
    if (this.ring.push(byte)) this.reader.written(this.port);
  }

  private keep(byte: number, onFull: () => void): void {
    this.kept.push(byte);
    if (this.kept.length === 1) onFull();
  }

  private lose(): void {
    this.log
      .once(`lost ${this.port}`)
      .warn(`${this.port}: some of what the guest writes is lost: it is not read so fast`);
  }

  private isFull(): boolean {
    return this.ring.isFull && this.ring.askForRoom();
  }
}
