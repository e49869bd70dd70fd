// SPDX-License-Identifier: BSD-2-Clause
/** One life of a Linux guest, saved to disk at many moments and gone on with in new processes from each. */
import { NEVER } from '../../../src/hypervisor/exit.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { temporaryStore } from '../../snapshot/support/temporary-store.js';
import { carriedFrom, type LifeOrder } from '../../support/process/life.js';
import { liveInNewProcess } from '../../support/process/new-process.js';
import { type Evidence, evidence, finish, firstDifference, type ProofSubject } from '../../support/proof.js';
import type { Cut } from './life-map.js';
import { type Moment, runToMoment } from './moments.js';

/** One of so many goes on to the guest's end, the others for a time drawn up to this one. */
const TO_THE_END = 16;
const LONGEST = 5_000_000;
/** One of so many is verified before it runs. */
const FOREIGN = 3;

/** `whole` is what comes of the life when it is left alone. Each moment that it was cut at is told to `count`. */
export async function cutLife(
  subject: ProofSubject,
  whole: Evidence,
  cuts: readonly Cut[],
  random: () => number,
  count: (moment: Moment) => void,
): Promise<void> {
  const store = temporaryStore();
  const output: number[] = [];
  const machine = subject.build(output, true);
  try {
    subject.start(machine);
    for (const [index, { moment: wanted, time }] of cuts.entries()) {
      machine.resume();
      while (machine.time < time && machine.runSlice(time) === 'ran');
      const moment = runToMoment(machine, wanted) ? wanted : 'anywhere';
      if (machine.stopReason !== null) break;
      machine.pause();
      count(moment);
      const toTheEnd = index % TO_THE_END === 0;
      const order: LifeOrder = {
        store: store.root,
        name: `at-${machine.time}`,
        carried: carriedFrom(machine, output),
        end: toTheEnd ? NEVER : machine.time + BigInt(Math.ceil(LONGEST ** random())),
        isForeign: index % FOREIGN === 0,
      };
      saveMachine(machine, store, order.name);
      const there = liveInNewProcess(order); // while this one goes on
      const expected = toTheEnd ? whole : finish(machine, output, order.end);
      const difference = firstDifference(expected, (await there).evidence);
      if (difference !== null) throw new Error(`${moment}, saved as ${order.name}, until ${order.end}: ${difference}`);
      store.remove(order.name);
      if (machine.stopReason !== null) break;
    }
    const last = machine.stopReason === null ? finish(machine, output, NEVER) : evidence(machine, output);
    expect(firstDifference(whole, last)).toBeNull();
  } finally {
    machine.close();
  }
}
