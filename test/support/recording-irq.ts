// SPDX-License-Identifier: BSD-2-Clause
import type { IrqLine } from '../../src/core/irq-line.js';

/** Remembers what a device did to its interrupt line, `set` and `adopt` apart. */
export class RecordingIrq implements IrqLine {
  readonly sets: boolean[] = [];
  readonly adopted: boolean[] = [];
  level = false;

  set(level: boolean): void {
    this.sets.push(level);
    this.level = level;
  }

  adopt(level: boolean): void {
    this.adopted.push(level);
    this.level = level;
  }

  /** Low-to-high changes made by `set`, counted from a low line. */
  get risingEdges(): number {
    return this.sets.filter((level, index) => level && this.sets[index - 1] !== true).length;
  }

  forget(): void {
    this.sets.length = 0;
    this.adopted.length = 0;
  }
}
