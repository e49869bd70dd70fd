// SPDX-License-Identifier: BSD-2-Clause
/** Where to cut a long life: most cuts where the guest works, some while it sleeps. */
import type { Machine } from '../../../src/machine/machine.js';

const PIECE = 1_000_000n;
/** Of four cuts. */
const BUSY_ONES = 3;

/** A life in pieces of a millisecond: when they begin, the busy ones apart. */
export class LifeMap {
  private readonly busy: bigint[] = [];
  private readonly all: bigint[] = [];

  /** Runs a machine to the end of its guest. */
  constructor(machine: Machine) {
    for (let goes = true; goes; ) {
      const [time, instructions] = [machine.time, machine.instructions];
      const limit = time + PIECE;
      let end = machine.runSlice(limit);
      while (end === 'ran') end = machine.runSlice(limit);
      goes = end === 'limit';
      this.all.push(time);
      if (machine.instructions - instructions > PIECE / 2n) this.busy.push(time);
    }
  }

  /** Drawn times, ascending. */
  cuts(count: number, random: () => number): bigint[] {
    const from = (times: readonly bigint[]): bigint => {
      const piece = times[Math.floor(random() * times.length)] ?? 0n;
      return piece + BigInt(Math.floor(random() * Number(PIECE)));
    };
    const drawn = Array.from({ length: count }, (_, index) => from(index % 4 < BUSY_ONES ? this.busy : this.all));
    return drawn.sort((one, other) => Number(one - other));
  }
}
