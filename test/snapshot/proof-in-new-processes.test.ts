// SPDX-License-Identifier: BSD-2-Clause
/** The proof as a user meets it: saved to disk in one process, gone on with in another. */
import { type CborMap, type CborValue, encode, isMap } from '../../src/core/cbor.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';
import { cutTimes } from '../support/cut-times.js';
import { carriedFrom, type LifeOrder, type SaveKind } from '../support/process/life.js';
import { answersInNewProcess, liveInNewProcess } from '../support/process/new-process.js';
import { advance, type Evidence, firstDifference, type ProofSubject, runTo } from '../support/proof.js';
import { PROOF_GUESTS, type ProofGuest } from '../support/proof-guests/index.js';
import { proofSubject } from '../support/proof-subject.js';
import { replaceState } from '../support/signed-state.js';
import { temporaryStore } from './support/temporary-store.js';
import { MS, tickSubject } from './support/tick-subject.js';

const CUTS = 3;
const DEPTH = 20;
const LINKS = 9;
const MINUTE = 60_000;

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

test('what somebody changed in a snapshot is noticed in the new process', async () => {
  const subject = tickSubject();
  const store = temporaryStore();
  const end = 3n * MS;
  const [order] = ordersFor(subject, store, [MS], end);
  if (order === undefined) throw new Error('nothing was saved');
  const tree = store.open(order.name).readState();
  Object.assign(fieldsOf(tree, 'com2'), { scr: 0x5a });
  replaceState(store, order.name, encode(tree));
  const { evidence } = await liveInNewProcess(order);
  expect(firstDifference(runTo(subject, end), evidence)).toBe('tree.devices.com2.fields.scr: 0 and 90');
});

function fieldsOf(tree: CborValue, device: string): CborMap {
  const fields = ['devices', device, 'fields'].reduce<CborValue | undefined>(
    (at, key) => (at !== undefined && isMap(at) ? at[key] : undefined),
    tree,
  );
  if (fields === undefined || !isMap(fields)) throw new Error(`no fields of ${device}`);
  return fields;
}

/** Full ones end a chain and begin another; the last ones are `LINKS` that build on each other. */
const KINDS: readonly SaveKind[] = Array.from({ length: DEPTH }, (_, link) => {
  if (link === DEPTH - LINKS - 1) return 'full';
  return link % 3 === 0 ? 'live' : 'incremental';
});

describe('a chain of snapshots, each made of a restored machine in a new process', () => {
  const subject = tickSubject();
  const store = temporaryStore();
  const end = 100n * MS; // long after the last live one, whose instant depends on the host
  const whole = runTo(subject, end);
  let last: LifeOrder;

  beforeAll(async () => {
    let [order] = ordersFor(subject, store, [300_007n], end);
    for (const [link, kind] of KINDS.entries()) {
      if (order === undefined) break;
      const name = `link-${link}`;
      const { carried } = await liveInNewProcess({ ...order, end: BigInt(link + 1) * 999_983n, save: { name, kind } });
      order = { ...order, name, carried };
    }
    if (order === undefined) throw new Error('nothing was saved');
    last = order;
  }, MINUTE);

  test('goes on to the same bits', async () => {
    expect(store.chain(store.open(last.name))).toHaveLength(LINKS + 1);
    for (const isForeign of [false, true]) {
      const { evidence } = await liveInNewProcess({ ...last, isForeign });
      expect(firstDifference(whole, evidence)).toBeNull();
    }
  });

  test('and so do clones of it, each in a process of its own', async () => {
    const reports = await Promise.all([1, 2].map(() => liveInNewProcess({ ...last, isClone: true })));
    for (const { evidence } of reports) expect(firstDifference(whole, evidence)).toBeNull();
  });

  test('clones that are told of a new identity differ by it, and are alike if it is', async () => {
    const clone = async (first: number): Promise<Evidence> => {
      const generation = Uint8Array.from({ length: 16 }, (_, at) => first + at);
      return (await liveInNewProcess({ ...last, isClone: true, generation })).evidence;
    };
    const [one, same, other] = [await clone(1), await clone(1), await clone(2)];
    expect(firstDifference(one, same)).toBeNull();
    expect(firstDifference(one, other)).toMatch(/^memory|vm-generation/);
    expect(firstDifference(one, whole)).not.toBeNull();
  });
});
