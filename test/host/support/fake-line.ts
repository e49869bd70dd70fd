// SPDX-License-Identifier: BSD-2-Clause
import type { VmConsole } from '../../../src/cli/vm.js';

/** A guest that has room for `room` more bytes of input and `output` to be fetched. */
export class FakeLine implements VmConsole {
  room = Number.POSITIVE_INFINITY;
  typed = '';
  output = '';

  takeOutput(): Uint8Array {
    const taken = this.output;
    this.output = '';
    return Buffer.from(taken, 'latin1');
  }

  async finishInput(rest: Uint8Array): Promise<void> {
    this.typed += Buffer.from(rest).toString('latin1');
  }

  offerInput(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.room);
    this.typed += Buffer.from(bytes.subarray(0, taken)).toString('latin1');
    this.room -= taken;
    return taken;
  }
}

/** Waits for something that another process or the kernel does; a test that waits in vain runs into jest's own limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
