// SPDX-License-Identifier: BSD-2-Clause
/** The shared word by which the main thread ends a machine's thread, whatever that is doing. */
const STOP = 0;

export class ThreadControl {
  private readonly words: Int32Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.words = new Int32Array(memory);
  }

  get isStopped(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }

  stop(): void {
    Atomics.store(this.words, STOP, 1);
  }
}
