// SPDX-License-Identifier: BSD-2-Clause
/** Where in a long life which moments are likely, found by living it once. */
import type { Machine } from '../../../src/machine/machine.js';
import { COM1, COM1_IIR, MOMENTS, type Moment, register } from './moments.js';

const PIECE = 1_000_000n;

export interface Cut {
  readonly moment: Moment;
  /** Look for it from here on. */
  readonly time: bigint;
}

/** A life in pieces of a millisecond. */
export class LifeMap {
  private readonly likely = new Map<Moment, bigint[]>(MOMENTS.map((moment) => [moment, []]));

  /** Runs a machine to the end of its guest. */
  constructor(machine: Machine) {
    const reads = countReads(machine);
    for (let goes = true; goes; ) {
      const [time, instructions, cr2] = [machine.time, machine.instructions, register(machine, 'cr2')];
      const limit = time + PIECE;
      let end = machine.runSlice(limit);
      while (end === 'ran') end = machine.runSlice(limit);
      goes = end === 'limit';
      const { com1, iir } = reads();
      const isBusy = machine.instructions - instructions > PIECE / 2n;
      this.note(time, ['anywhere', 'interrupt']);
      this.note(time, isBusy ? ['string'] : ['shadow', 'halt', 'timer']);
      if (register(machine, 'cr2') !== cr2) this.note(time, ['fault']);
      if (com1) this.note(time, ['serial']);
      if (iir) this.note(time, ['serial interrupt']);
    }
  }

  /** Drawn cuts of all kinds, ascending. */
  cuts(count: number, random: () => number): Cut[] {
    const drawn = Array.from({ length: count }, (_, index): Cut => {
      const moment = MOMENTS[index % MOMENTS.length] ?? 'anywhere';
      const pieces = this.likely.get(moment) ?? [];
      const piece = pieces[Math.floor(random() * pieces.length)] ?? 0n;
      return { moment, time: moment === 'anywhere' ? piece + BigInt(Math.floor(random() * Number(PIECE))) : piece };
    });
    return drawn.sort((one, other) => Number(one.time - other.time));
  }

  private note(time: bigint, moments: readonly Moment[]): void {
    for (const moment of moments) this.likely.get(moment)?.push(time);
  }
}

/** Whether COM1 and its interrupt identification were read since the last call. */
function countReads({ parts }: Machine): () => { com1: boolean; iir: boolean } {
  let seen = { com1: false, iir: false };
  const { ports } = parts.board;
  const read = ports.read.bind(ports);
  ports.read = (port, width) => {
    if (port >= COM1 && port < COM1 + 8) seen.com1 = true;
    if (port === COM1_IIR) seen.iir = true;
    return read(port, width);
  };
  return () => {
    const last = seen;
    seen = { com1: false, iir: false };
    return last;
  };
}
