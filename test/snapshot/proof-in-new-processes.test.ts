// SPDX-License-Identifier: BSD-2-Clause
/** The proof as a user meets it: saved to disk in one process, gone on with in another. */
import { saveMachine } from '../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';
import { cutTimes } from '../support/cut-times.js';
import { carriedFrom, type LifeOrder } from '../support/process/life.js';
import { answersInNewProcess, liveInNewProcess } from '../support/process/new-process.js';
import { advance, firstDifference, type ProofSubject, runTo } from '../support/proof.js';
import { PROOF_GUESTS, type ProofGuest } from '../support/proof-guests/index.js';
import { proofSubject } from '../support/proof-subject.js';
import { temporaryStore } from './support/temporary-store.js';
import { MS, tickSubject } from './support/tick-subject.js';

const CUTS = 3;
const DEPTH = 20;
/** The others build on the one before. */
const FULL_EVERY = 13;

/** `count` of them, from all over the run. */
function someOf(times: readonly bigint[], count: number): bigint[] {
  const every = times.length / count;
  return Array.from({ length: count }, (_, index) => times[Math.floor((index + 0.5) * every)] ?? 0n);
}

/** A run that is saved at each of the cuts and goes on itself: what is to be done with the saves. */
function ordersFor(subject: ProofSubject, store: SnapshotStore, cuts: readonly bigint[], end: bigint): LifeOrder[] {
  const output: number[] = [];
  const machine = subject.build(output, true);
  try {
    subject.start(machine);
    return cuts.map((cut) => {
      advance(machine, cut);
      const name = `at-${cut}`;
      saveMachine(machine, store, name);
      return { store: store.root, name, carried: carriedFrom(machine, output), end };
    });
  } finally {
    machine.close();
  }
}

const named = PROOF_GUESTS.map((guest): [string, ProofGuest] => [guest.name, guest]);

test.concurrent.each(named)('%s, restored in a new process, arrives at the same bits', async (_name, guest) => {
  const subject = proofSubject(guest);
  const whole = runTo(subject, guest.end);
  const cuts = someOf(cutTimes(subject, guest.end), CUTS);
  const orders = ordersFor(subject, temporaryStore(), cuts, guest.end);
  const answers = await answersInNewProcess(orders);
  expect(answers).toHaveLength(CUTS);
  for (const answer of answers) {
    if ('failure' in answer) throw new Error(answer.failure);
    expect(firstDifference(whole, answer.evidence)).toBeNull();
  }
});

test('a chain of snapshots, each made of a restored machine in a new process', async () => {
  const subject = tickSubject();
  const store = temporaryStore();
  const end = BigInt(DEPTH + 1) * MS;
  const [first] = ordersFor(subject, store, [300_007n], end);
  let order = first;
  for (let link = 1; order !== undefined && link <= DEPTH; link += 1) {
    const save: LifeOrder['save'] = { name: `link-${link}`, kind: link % FULL_EVERY === 0 ? 'full' : 'incremental' };
    const { carried } = await liveInNewProcess({ ...order, end: BigInt(link) * 999_983n, save });
    order = { ...order, name: save.name, carried };
  }
  if (order === undefined) throw new Error('nothing was saved');
  expect(store.chain(store.open(order.name))).toHaveLength((DEPTH % FULL_EVERY) + 1);
  const { evidence } = await liveInNewProcess({ ...order, isForeign: true });
  expect(firstDifference(runTo(subject, end), evidence)).toBeNull();
});
