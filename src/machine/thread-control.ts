// SPDX-License-Identifier: BSD-2-Clause
/** The shared words by which the main thread wakes and ends a machine's thread, whatever that is waiting for. */
const WAKES = 0;
const STOP = 1;

export class ThreadControl {
  private readonly words: Int32Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.words = new Int32Array(memory);
  }

  get isStopped(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }

  /** Number of wakes so far: take it before looking for work, and give it to `sleep`. */
  get wakes(): number {
    return Atomics.load(this.words, WAKES);
  }

  /** Returns at once if there was a wake since `seen`. */
  sleep(seen: number, milliseconds: number): void {
    Atomics.wait(this.words, WAKES, seen, milliseconds);
  }

  wake(): void {
    Atomics.add(this.words, WAKES, 1);
    Atomics.notify(this.words, WAKES);
  }

  stop(): void {
    Atomics.store(this.words, STOP, 1);
    this.wake();
  }
}
