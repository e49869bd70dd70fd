// SPDX-License-Identifier: BSD-2-Clause
import { NEVER } from './exit.js';
import type { ClockMode } from './hypervisor.js';

/** VM time of the fake engine: instructions at the virtual clock's rate, or one a nanosecond; the host's clock plays no part. */
export class FakeTime {
  retired = 0n;
  /** VM time minus what the instructions amount to. */
  offset = 0n;
  private readonly numerator: bigint;
  private readonly denominator: bigint;

  constructor(clock: ClockMode) {
    const { numerator, denominator } = clock.kind === 'virtual' ? clock : { numerator: 1, denominator: 1 };
    this.numerator = BigInt(numerator);
    this.denominator = BigInt(denominator);
  }

  now(): bigint {
    return (this.retired * this.numerator) / this.denominator + this.offset;
  }

  set(nanoseconds: bigint): void {
    this.offset += nanoseconds - this.now();
  }

  /** Instructions until VM time is `deadline`. */
  until(deadline: bigint): bigint {
    if (deadline === NEVER) return NEVER;
    const target = (deadline - this.offset) * this.denominator;
    const instructions = (target + this.numerator - 1n) / this.numerator - this.retired;
    return instructions > 0n ? instructions : 0n;
  }
}
