// SPDX-License-Identifier: BSD-2-Clause
/** The proof with writable disks at work, whose content is compared as well. Uses dist. */

import { buildMachine } from '../../../src/machine/build.js';
import type { Machine } from '../../../src/machine/machine.js';
import { ChangeLog } from '../../../src/snapshot/change-log.js';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { digestsOf, diskGuestConfig, startDiskGuest } from '../../support/disk-guest.js';
import { carriedFrom } from '../../support/process/life.js';
import { liveInNewProcess } from '../../support/process/new-process.js';
import { advance, type Evidence, exitHash, finish, firstDifference } from '../../support/proof.js';
import { randomNumbers, testSeed } from '../../support/random.js';
import { newImages } from '../support/disk-subject.js';
import { temporaryStore } from '../support/temporary-store.js';
import { MS } from '../support/tick-subject.js';

jest.setTimeout(300_000);

const END = 20n * MS;
const CUTS = 25;
const seed = testSeed();
/** So that disks in other places look the same to their guest. */
const SERIAL = { ser: 'PROOF' };

interface Life {
  readonly evidence: Evidence;
  readonly disks: readonly string[];
}

function start(): { machine: Machine; output: number[] } {
  const output: number[] = [];
  const machine = buildMachine(diskGuestConfig(newImages(2), SERIAL), {
    outputs: { com1: { write: (byte) => output.push(byte) } },
    hashExits: true,
  });
  startDiskGuest(machine);
  return { machine, output };
}

function whole(): Life {
  const { machine, output } = start();
  const evidence = finish(machine, output, END);
  const disks = digestsOf(machine);
  machine.close();
  return { evidence, disks };
}

function expectSame(one: Life, other: Life): void {
  expect(firstDifference(one.evidence, other.evidence)).toBeNull();
  expect(other.disks).toEqual(one.disks);
}

test(`saved and restored at random times it arrives at the same bits (seed ${seed})`, () => {
  const random = randomNumbers(seed);
  const expected = whole();
  const store = temporaryStore();
  let { machine, output } = start();
  const times = Array.from({ length: CUTS }, () => BigInt(Math.floor(random() * Number(END))));
  for (const time of [...new Set(times)].sort((a, b) => (a < b ? -1 : 1))) {
    advance(machine, time);
    const kind = random() < 0.5 ? 'suspend' : 'snapshot';
    const name = `at-${time}`;
    saveMachine(machine, store, name, { kind });
    const hashExits = exitHash(machine);
    output = [...output];
    if (kind === 'snapshot') finish(machine, [], machine.time + MS); // what it writes now is not the disk's future
    machine.close();
    const kept = output;
    const use = kind === 'suspend' ? 'spend' : 'again';
    const host = { outputs: { com1: { write: (byte: number) => kept.push(byte) } }, hashExits };
    ({ machine } = loadMachine(store, name, { host, use }));
  }
  const evidence = finish(machine, output, END);
  expectSame(expected, { evidence, disks: digestsOf(machine) });
  machine.close();
});

test('a chain of processes, each with a piece of its life, arrives at the same bits', async () => {
  const expected = whole();
  const store = temporaryStore();
  const kinds = ['full', 'suspend', 'incremental', 'live', 'suspend', 'full'] as const;
  const piece = END / BigInt(kinds.length + 2);
  const { machine, output } = start();
  advance(machine, piece);
  saveMachine(machine, store, 'link-0');
  let carried = carriedFrom(machine, output);
  machine.close();
  for (const [index, kind] of kinds.entries()) {
    const end = piece * BigInt(index + 2);
    const save = { name: `link-${index + 1}`, kind };
    ({ carried } = await liveInNewProcess({ store: store.root, name: `link-${index}`, carried, end, save }));
  }
  expectSame(expected, await liveInNewProcess({ store: store.root, name: `link-${kinds.length}`, carried, end: END }));
  const again = { store: store.root, name: 'link-0', carried, end: piece * 3n };
  expect((await liveInNewProcess(again)).disks).not.toEqual(expected.disks);
});

test('a live, incremental save with disks leads to the same bits', () => {
  const expected = whole();
  const { machine, output } = start();
  const store = temporaryStore();
  advance(machine, 3n * MS);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'base'));
  advance(machine, 6n * MS);
  saveMachine(machine, store, 'child', { changes });
  const hashExits = exitHash(machine);
  machine.close();
  const { machine: restored } = loadMachine(store, 'child', {
    host: { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits },
  });
  const evidence = finish(restored, output, END);
  expectSame(expected, { evidence, disks: digestsOf(restored) });
  restored.close();
});
