// SPDX-License-Identifier: BSD-2-Clause
import { shape as vmGeneration } from '../../devices/acpi/vm-generation.js';
import { shape as rtc } from '../../devices/isa/rtc-mc146818.js';
import type { GuestMemory } from '../../src/core/guest-memory.js';
import type { OpenEngine } from '../../src/hypervisor/hypervisor.js';
import { openNativeEngine } from '../../src/hypervisor/native.js';
import { buildMachine } from '../../src/machine/build.js';
import type { Machine } from '../../src/machine/machine.js';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { type LoadOptions, loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';
import { loadTickGuest } from '../support/tick-guest.js';
import { temporaryStore } from './support/temporary-store.js';
import { MEMORY, MS, tickMachine } from './support/tick-subject.js';

afterEach(() => jest.restoreAllMocks());

function chain(machine: Machine): SnapshotStore {
  const store = temporaryStore();
  machine.parts.board.ports.write(0x70, 1, 0x33); // the index of the real-time clock
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'full'));
  machine.parts.engine.memory.writeU8(0x10_0000, 1);
  saveMachine(machine, store, 'delta', { changes });
  machine.close();
  return store;
}

function verify(store: SnapshotStore, name: string, options: LoadOptions = {}): void {
  const { machine } = loadMachine(store, name, { ...options, verify: true });
  machine.close();
}

test.each([{}, { trust: 'foreign' }, { shared: true }] as const)(
  'a restore that loses nothing passes: %j',
  (options) => {
    const store = chain(tickMachine(MS));
    for (const name of ['full', 'delta']) expect(() => verify(store, name, options)).not.toThrow();
  },
);

test('under the real clock, too', () => {
  const machine = buildMachine({ memory: MEMORY });
  loadTickGuest(machine);
  machine.resume();
  for (let slice = 0; slice < 3; slice += 1) machine.runSlice(machine.time + MS);
  machine.pause();
  const store = chain(machine);
  expect(() => verify(store, 'delta')).not.toThrow();
});

test('comes before a new identity and a moved clock', () => {
  const store = chain(tickMachine(MS));
  const identity = { kind: 'new', generation: new Uint8Array(16).fill(3) } as const;
  const now = store.open('full').manifest.clock.wall + 3_600_000n * MS;
  expect(() => verify(store, 'full', { identity, now, overrides: { guestClock: 'advance' } })).not.toThrow();
});

test('a device that loses a field is refused by the name of the field, and only when asked', () => {
  const store = chain(tickMachine(MS));
  const load = rtc.load.bind(rtc);
  jest.spyOn(rtc, 'load').mockImplementation((saved, path) => ({ ...load(saved, path), index: 0 }));
  expect(() => verify(store, 'full')).toThrow('full: not restored as it was saved: rtc.index: 51, restored 0');
  const { machine } = loadMachine(store, 'full');
  machine.close();
});

test.each(['full', 'delta'])('a page of memory that is not as in %s is refused by its address', (name) => {
  const store = chain(tickMachine(MS));
  let memory: GuestMemory | undefined;
  const load = vmGeneration.load.bind(vmGeneration);
  jest.spyOn(vmGeneration, 'load').mockImplementation((saved, path) => {
    memory?.writeU8(0x12_3456, 7);
    return load(saved, path);
  });
  const openEngine: OpenEngine = (options) => {
    const engine = openNativeEngine('soft', options);
    memory = engine.memory;
    return engine;
  };
  expect(() => verify(store, name, { host: { openEngine } })).toThrow(
    `${name}: not restored as it was saved: the page of memory at 0x123000`,
  );
});
