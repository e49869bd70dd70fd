// SPDX-License-Identifier: BSD-2-Clause
const NANOSECONDS = 1_000_000_000n;

/**
 * A free-running counter that ticks `hertz` times a second of VM time, counted from power-on.
 * Conversions are exact integers on absolute times, so that no sequence of reads or alarms can make a counter drift.
 */
export class TickRate {
  constructor(private readonly hertz: bigint) {}

  /** Ticks completed by VM time `now`. */
  ticksAt(now: bigint): bigint {
    return (now * this.hertz) / NANOSECONDS;
  }

  /** The first VM nanosecond at which `tick` ticks are complete. */
  timeOf(tick: bigint): bigint {
    return (tick * NANOSECONDS + this.hertz - 1n) / this.hertz;
  }
}
