// SPDX-License-Identifier: BSD-2-Clause

/**
 * Keeps the idle time of a virtual clock from running ahead of the host's: with somebody at the console a guest that
 * sleeps for a second should take one. It delays skips of time and never changes them.
 */
export class HostPace {
  private offset = 0n;

  constructor(private readonly hostTime: () => bigint = () => process.hrtime.bigint()) {}

  /** The machine runs on at VM time `now`. */
  start(now: bigint): void {
    this.offset = now - this.hostTime();
  }

  /** VM time that the host has reached. */
  now(): bigint {
    return this.hostTime() + this.offset;
  }
}
