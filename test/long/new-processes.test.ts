// SPDX-License-Identifier: BSD-2-Clause
/** The proof over the whole life of a Linux guest: saved to disk all along it, and gone on with in new processes. */
import { NEVER } from '../../src/hypervisor/exit.js';
import { flattenSnapshot } from '../../src/snapshot/flatten-snapshot.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { type Carried, carriedFrom, type LifeReport } from '../support/process/life.js';
import { liveInNewProcess } from '../support/process/new-process.js';
import { advance, type Evidence, evidence, firstDifference, type ProofSubject } from '../support/proof.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { cutLife } from './support/cut-life.js';
import { cloudGuest } from './support/debian-files.js';
import { LifeMap } from './support/life-map.js';
import { linuxSubject } from './support/linux-proof.js';
import { MOMENTS, type Moment } from './support/moments.js';

const seed = testSeed();
/** Of one life. Many are near its end, where they overtake each other. */
const CUTS = 200;
const LIVES = 6;
const AT_LEAST = 300;
/** Moments of each kind. */
const EACH = 5;
const DEPTH = 20;

let subject: ProofSubject;
let map: LifeMap;
let whole: Evidence;

beforeAll(async () => {
  subject = linuxSubject(await cloudGuest());
  const output: number[] = [];
  const machine = subject.build(output, true);
  subject.start(machine);
  machine.resume();
  map = new LifeMap(machine);
  whole = evidence(machine, output);
  machine.close();
});

test('the guest lives as the script says', () => {
  expect(whole.console).toContain('42\r\n');
  expect(whole.stop).toBe('{"kind":"power-off"}');
});

test(`restored in new processes all over its life (seed ${seed}) it arrives at the same bits`, async () => {
  const random = randomNumbers(seed);
  const counts = new Map<Moment, number>(MOMENTS.map((moment) => [moment, 0]));
  const count = (moment: Moment): unknown => counts.set(moment, (counts.get(moment) ?? 0) + 1);
  const total = (): number => [...counts.values()].reduce((sum, one) => sum + one, 0);
  for (let life = 0; life < LIVES && total() < AT_LEAST; life += 1) {
    await cutLife(subject, whole, map.cuts(CUTS, random), random, count);
  }
  console.info(`seed ${seed}: ${[...counts].map(([moment, found]) => `${found} ${moment}`).join(', ')}`);
  expect(total()).toBeGreaterThanOrEqual(AT_LEAST);
  expect([...counts].filter(([, found]) => found < EACH)).toEqual([]);
});

describe('a chain', () => {
  const store = temporaryStore();
  const last = `link-${DEPTH}`;
  let carried: Carried;
  const toTheEnd = (name: string, isClone = false): Promise<LifeReport> =>
    liveInNewProcess({ store: store.root, name, carried, end: NEVER, isClone });

  beforeAll(async () => {
    const output: number[] = [];
    const machine = subject.build(output, true);
    const piece = whole.time / BigInt(DEPTH + 2);
    subject.start(machine);
    advance(machine, piece);
    saveMachine(machine, store, 'link-0');
    carried = carriedFrom(machine, output);
    machine.close();
    for (let link = 1; link <= DEPTH; link += 1) {
      const save = { name: `link-${link}`, kind: link % 3 === 0 ? 'live' : 'incremental' } as const;
      const end = piece * BigInt(link + 1);
      ({ carried } = await liveInNewProcess({ store: store.root, name: `link-${link - 1}`, carried, end, save }));
    }
  });

  test('of incremental and live snapshots, each made of a restored machine in a new process', async () => {
    expect(store.chain(store.open(last))).toHaveLength(DEPTH + 1);
    expect(firstDifference(whole, (await toTheEnd(last)).evidence)).toBeNull();
  });

  test('is the same machine when it is made one snapshot', async () => {
    flattenSnapshot(store, last, 'flat');
    expect(firstDifference(whole, (await toTheEnd('flat')).evidence)).toBeNull();
  });

  test('has clones that run at the same time, and each arrives', async () => {
    const reports = await Promise.all([toTheEnd(last, true), toTheEnd(last, true)]);
    for (const report of reports) expect(firstDifference(whole, report.evidence)).toBeNull();
  });
});
