// SPDX-License-Identifier: BSD-2-Clause
/** The processor time of the calling thread, which Node tells of the whole process only. */
import koffi from 'koffi';

/** clock_gettime(2), on Linux. */
const CLOCK_THREAD_CPUTIME_ID = 3;
const LOOKS = 100_000;

export class ThreadClock {
  private readonly read = koffi.load(null).func('int clock_gettime(int, void *)');
  /** Seconds and nanoseconds. */
  private readonly time = new BigInt64Array(2);
  /** Microseconds that a look takes. */
  readonly costOfLook: number;

  constructor() {
    const started = this.microseconds();
    for (let look = 0; look < LOOKS; look += 1) this.microseconds();
    this.costOfLook = (this.microseconds() - started) / LOOKS;
  }

  microseconds(): number {
    this.read(CLOCK_THREAD_CPUTIME_ID, this.time);
    const [seconds = 0n, nanoseconds = 0n] = this.time;
    return Number(seconds) * 1e6 + Number(nanoseconds) / 1e3;
  }
}
