// SPDX-License-Identifier: BSD-2-Clause
/** A life that goes on in another machine again and again, at random times. */
import { randomNumbers } from '../../support/random.js';
import type { Disturbance } from './linux-proof.js';

/** A pause of random length, long ones rare, `mean` on the average. */
export function pauses(random: () => number, mean: number): () => bigint {
  return () => BigInt(1 + Math.floor(-Math.log(1 - random()) * mean));
}

export interface RestartTimes {
  readonly seed: number;
  /** VM time, in nanoseconds, of the first restart, and from one to the next on the average. */
  readonly first: bigint;
  readonly mean: number;
}

export class Restarts implements Disturbance {
  count = 0;
  readonly pause: Disturbance['pause'];

  constructor({ seed, first, mean }: RestartTimes) {
    const later = pauses(randomNumbers(seed), mean);
    this.pause = () => (this.count === 0 ? first : later());
  }

  readonly disturb: Disturbance['disturb'] = (_machine, restart) => {
    this.count += 1;
    return restart();
  };
}
