// SPDX-License-Identifier: BSD-2-Clause
/** The bug zoo, memory: pages that a snapshot does not have, has wrongly, or changes. */
import { buildMachine } from '../../src/machine/build.js';
import type { Machine } from '../../src/machine/machine.js';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';
import { fileIn, temporaryStore } from '../snapshot/support/temporary-store.js';
import { MS, savedTick, tickMachine } from '../snapshot/support/tick-subject.js';
import { advance } from '../support/proof.js';
import { pagesOf, ThreeSaves, withIndex, withoutPage } from './support/three-saves.js';

const PAGE = 4096;
const STACK = 7;
/** The first of the pages that the guest fills. */
const FILLED = 9;
const GIB = 1024 * 1024 * 1024;
const ABOVE_4_GIB = 4 * GIB;

const saves = new ThreeSaves();

test('nothing wrong, nothing found', () => {
  expect(saves.difference()).toBeNull();
});

/** Whatever is written from now on at these pages is not in the log. */
const forgetting =
  (pages: readonly number[]) =>
  ({ parts: { engine } }: Machine): void => {
    const take = engine.takeDirtyLog.bind(engine);
    jest.spyOn(engine, 'takeDirtyLog').mockImplementation((client, bitmap) => {
      take(client, bitmap);
      for (const page of pages) bitmap.set(withoutPage(bitmap, page));
    });
  };

test('20. Writes went by the dirty log: every page that an incremental snapshot lacks is missed', () => {
  // All of its stack is written before it is read again.
  const changed = pagesOf(saves.store.open('last').readIndex().present).filter((page) => page !== STACK);
  expect(changed.length).toBeGreaterThan(1);
  for (const page of changed) {
    expect(new ThreeSaves(forgetting([page])).difference()).toMatch(/^(memory|console|exits)/);
  }
});

function memoryOf(store: SnapshotStore, name: string): Buffer {
  const { machine } = loadMachine(store, name);
  const bytes = Buffer.from(machine.parts.engine.memory.segments[0]?.bytes ?? []);
  machine.close();
  return bytes;
}

test("20. A device's write is in the log, one behind its back is not", () => {
  const stored = (write: (machine: Machine) => void): number[] => {
    const store = temporaryStore();
    const machine = tickMachine(1000n);
    const changes = new ChangeLog(machine, saveMachine(machine, store, 'full'));
    write(machine);
    const pages = pagesOf(saveMachine(machine, store, 'delta', { changes }).readIndex().stored);
    machine.close();
    return pages;
  };
  expect(stored(({ parts }) => parts.engine.memory.write(0x12_3000, Uint8Array.of(7)))).toEqual([0x123]);
  expect(stored(({ parts }) => parts.engine.memory.segments[0]?.bytes.set([7], 0x12_3000))).toEqual([]);
});

test('21. An incremental snapshot of a machine with memory above 3 GiB was corrupt', () => {
  const store = temporaryStore();
  const machine = buildMachine({ memory: 3 * GIB + 4 * PAGE });
  machine.resume();
  machine.pause();
  const { memory } = machine.parts.engine;
  memory.writeU8(ABOVE_4_GIB, 1);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'full'));
  for (const [at, page] of [0, 3 * GIB - PAGE, ABOVE_4_GIB + PAGE, ABOVE_4_GIB + 3 * PAGE].entries())
    memory.writeU8(page, at + 2);
  saveMachine(machine, store, 'delta', { changes });
  machine.close();
  const low = (3 * GIB) / PAGE;
  const { stored } = store.open('delta').readIndex();
  expect(pagesOf(stored)).toEqual([0, low - 1, low + 1, low + 3]);
  const loaded = loadMachine(store, 'delta').machine;
  const bytes = [0, 3 * GIB - PAGE, ABOVE_4_GIB, ABOVE_4_GIB + PAGE, ABOVE_4_GIB + 3 * PAGE].map((at) =>
    loaded.parts.engine.memory.readU8(at),
  );
  loaded.close();
  expect(bytes).toEqual([2, 3, 1, 4, 5]);
});

test('22. A snapshot was written onto the file that its machine ran from', () => {
  const store = temporaryStore();
  savedTick(store, 'one');
  const before = fileIn(store, 'one/ram');
  const { machine } = loadMachine(store, 'one');
  advance(machine, 2n * MS);
  expect(() => saveMachine(machine, store, 'one')).toThrow('one: there is a snapshot of this name: choose another');
  machine.close();
  expect(fileIn(store, 'one/ram').equals(before)).toBe(true);
});

test('23. The first incremental snapshot after a full one had every page', () => {
  const { present } = saves.store.open('middle').readIndex();
  expect(pagesOf(present).length).toBeLessThan(32); // of 512
});

test('24. Resuming a machine changed its RAM file', () => {
  const store = temporaryStore();
  savedTick(store, 'one');
  const before = fileIn(store, 'one/ram');
  const { machine } = loadMachine(store, 'one');
  machine.parts.engine.memory.fill(0, 0x10_0000, 0xff);
  advance(machine, 2n * MS);
  machine.close();
  expect(fileIn(store, 'one/ram').equals(before)).toBe(true);
});

describe('RAM of a chain', () => {
  test.each(['full', 'middle', 'last'])('layer %s is skipped', (name) => {
    expect(saves.difference((layers) => layers.filter(({ snapshot }) => snapshot.name !== name))).not.toBeNull();
  });

  test('layers are read in the opposite order', () => {
    expect(
      saves.difference(([last, middle, ...rest]) => [middle, last, ...rest].flatMap((layer) => layer ?? [])),
    ).not.toBeNull();
  });

  test('two pages are swapped', () => {
    const swap = ({ parts: { engine } }: Machine): void => {
      const [one, other] = [FILLED, FILLED + 2].map((page) => engine.memory.slice(page * PAGE, PAGE).slice());
      if (one === undefined || other === undefined) throw new Error('no pages');
      engine.memory.write(FILLED * PAGE, other);
      engine.memory.write((FILLED + 2) * PAGE, one);
    };
    expect(saves.difference(undefined, swap)).toMatch(/^(memory|console|exits)/);
  });

  test('a page of the newest layer is dropped, so that the one below shows', () => {
    for (const page of pagesOf(saves.store.open('last').readIndex().stored)) {
      const without = withIndex('last', ({ present, stored }) => ({
        present: present && withoutPage(present, page),
        stored: withoutPage(stored, page),
      }));
      expect(saves.difference(without)).not.toBeNull();
    }
  });
});

test('a page that became zero is not made zero', () => {
  const store = temporaryStore();
  const machine = tickMachine(1000n);
  const { memory } = machine.parts.engine;
  memory.fill(0x10_0000, PAGE, 0xaa);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'full'));
  memory.fill(0x10_0000, PAGE, 0);
  saveMachine(machine, store, 'delta', { changes });
  machine.close();
  expect(memoryOf(store, 'delta')[0x10_0000]).toBe(0);
  const withLayers = store.withLayers.bind(store);
  const forgetful = withIndex('delta', ({ present, stored }) => ({
    present: present && withoutPage(present, 0x100),
    stored,
  }));
  jest
    .spyOn(store, 'withLayers')
    .mockImplementation((newest, use) => withLayers(newest, (layers) => use(forgetful(layers))));
  expect(memoryOf(store, 'delta')[0x10_0000]).toBe(0xaa);
});
