// SPDX-License-Identifier: BSD-2-Clause
/** The balloon of a machine, and what becomes of the pages that a guest gives. */
import { balloonStats, refreshBalloon, setBalloon } from '../../src/machine/balloon.js';
import { buildMachine } from '../../src/machine/build.js';
import type { MachineConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { verifySnapshot } from '../../src/snapshot/verify-snapshot.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';

const MIB = 1024 * 1024;
const VIRTUAL = { kind: 'virtual', numerator: 1, denominator: 1 } as const;
const machines: Machine[] = [];

afterEach(() => {
  for (const machine of machines.splice(0)) machine.close();
});

function keep(machine: Machine): Machine {
  machines.push(machine);
  return machine;
}

function build(options: Record<string, string> = {}, config: Partial<MachineConfig> = {}): Machine {
  const pci = [{ slot: 4, fn: 0, kind: 'virtio-balloon', options }];
  return keep(buildMachine({ memory: 8 * MIB, clock: VIRTUAL, pci, ...config }));
}

test('asks for what its option says, and then for what it is told', () => {
  const machine = build({ size: '1M' });
  expect(balloonStats(machine)).toEqual({ target: MIB, actual: 0, guestTime: null, guest: {} });
  expect(setBalloon(machine, 0)).toBe('the machine is built');
  machine.resume();
  expect(setBalloon(machine, 3 * MIB)).toBeNull();
  expect(balloonStats(machine)?.target).toBe(3 * MIB);
  expect(refreshBalloon(machine)).toBe(false);
});

test.each([
  [8 * MIB + 4096, 'a balloon of 8392704 bytes: a multiple of 4K up to the machine'],
  [100, 'a balloon of 100 bytes'],
])('%i bytes are refused', (size, why) => {
  const machine = build();
  machine.resume();
  expect(setBalloon(machine, size)).toContain(why);
});

test('a machine has one balloon or none', () => {
  const balloon = (slot: number) => ({ slot, fn: 0, kind: 'virtio-balloon', options: {} });
  expect(() => build({}, { pci: [balloon(4), balloon(5)] })).toThrow('2 virtio-balloon: a machine has one at most');
  const machine = build({}, { pci: [] });
  machine.resume();
  expect(balloonStats(machine)).toBeNull();
  expect(setBalloon(machine, 0)).toBe('the machine has no balloon; -s N,virtio-balloon gives it one');
});

test.each([
  [{ size: '9M' }, "pci[0] size: '9M'; a multiple of 4K up to the machine's 8388608 bytes of memory is accepted"],
  [{ size: 'much' }, "pci[0] size: 'much'"],
  [{ reporting: 'maybe' }, "pci[0] reporting: 'maybe'; accepted are on and off"],
  [{ 'deflate-on-oom': '2' }, "pci[0] deflate-on-oom: '2'"],
])('%j is refused', (options: Record<string, string>, why) => {
  expect(() => build(options)).toThrow(why);
});

test('pages that are given back are no part of a snapshot, also not of one that others came from', () => {
  const store = temporaryStore();
  const first = build();
  const { memory } = first.parts.engine;
  memory.fill(4 * MIB, MIB, 0x55);
  memory.fill(6 * MIB, 4096, 0x66);
  first.resume();
  first.pause();
  const stored = (name: string): number => store.open(name).manifest.ram.stored;
  saveMachine(first, store, 'full');

  // From here on the pages are those of the file.
  const { machine, snapshot } = loadMachine(store, 'full');
  keep(machine);
  const changes = new ChangeLog(machine, snapshot);
  const restored = machine.parts.engine.memory;
  expect(restored.readU8(4 * MIB)).toBe(0x55);
  restored.discard(4 * MIB, MIB);
  restored.discard(6 * MIB, 4096);
  expect([restored.readU8(4 * MIB), restored.readU8(5 * MIB - 1), restored.readU8(6 * MIB)]).toEqual([0, 0, 0]);
  machine.resume();
  machine.pause();
  saveMachine(machine, store, 'changes', { parent: snapshot, changes });
  saveMachine(machine, store, 'given');
  expect(stored('full') - stored('given')).toBe(MIB + 4096);
  for (const name of ['changes', 'given']) {
    verifySnapshot(store, name);
    const again = keep(loadMachine(store, name, { verify: true }).machine).parts.engine.memory;
    expect([again.readU8(4 * MIB), again.readU8(6 * MIB)]).toEqual([0, 0]);
  }
});
