// SPDX-License-Identifier: BSD-2-Clause
import { ManualClock } from '../../src/core/clock.js';
import type { ByteSink } from '../../src/core/input.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { MsiSink } from '../../src/core/msi.js';
import { RecordingIrq } from './recording-irq.js';

/** Everything a device may be wired to, recording what reaches the outside. */
export class Rig {
  readonly clock: ManualClock;
  /** Everything but interrupt levels that left a device through this rig. */
  readonly effects: string[] = [];
  readonly lines: RecordingIrq[] = [];

  constructor(now = 0n) {
    this.clock = new ManualClock(now);
  }

  line(): IrqLine {
    const line = new RecordingIrq();
    this.lines.push(line);
    return line;
  }

  readonly sink: ByteSink = { write: (byte) => this.effects.push(`byte ${byte}`) };

  readonly msi: MsiSink = { send: (address, data) => this.effects.push(`msi ${address} ${data}`) };

  /** Calls of `IrqLine.set`, which a restore must not make. */
  get setCalls(): number {
    return this.lines.reduce((count, line) => count + line.sets.length, 0);
  }
}
