// SPDX-License-Identifier: BSD-2-Clause

/** An interrupt wire, seen from the device that drives it. */
export interface IrqLine {
  set(level: boolean): void;
  /** Takes over a level after a restore: the receiver must not see an edge. */
  adopt(level: boolean): void;
}

/** A wire that leads nowhere. */
export const nullLine: IrqLine = { set() {}, adopt() {} };

/** A rising and a falling edge. */
export function pulse(line: IrqLine): void {
  line.set(true);
  line.set(false);
}

/** One wire with several receivers. */
export function fanOut(...lines: readonly IrqLine[]): IrqLine {
  return {
    set(level) {
      for (const line of lines) line.set(level);
    },
    adopt(level) {
      for (const line of lines) line.adopt(level);
    },
  };
}

/**
 * Several devices on one level-triggered wire (wired OR). The levels of the inputs are not saved: after a restore
 * every device adopts its own again.
 */
export class SharedLine {
  private readonly levels: boolean[] = [];

  constructor(private readonly output: IrqLine) {}

  get level(): boolean {
    return this.levels.includes(true);
  }

  /** A new input of the wire, low at first. */
  input(): IrqLine {
    const index = this.levels.push(false) - 1;
    return {
      set: (level) => {
        this.levels[index] = level;
        this.output.set(this.level);
      },
      adopt: (level) => {
        this.levels[index] = level;
        this.output.adopt(this.level);
      },
    };
  }
}
