// SPDX-License-Identifier: BSD-2-Clause
import { VM_GENERATION_ID } from '../../src/boot/memory-map.js';
import { encode } from '../../src/core/cbor.js';
import { SinkLogger } from '../../src/core/log.js';
import type { Machine } from '../../src/machine/machine.js';
import { saveTree } from '../../src/machine/machine-state.js';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { diffSnapshots } from '../../src/snapshot/diff-snapshots.js';
import { type LoadOptions, loadMachine } from '../../src/snapshot/load-machine.js';
import { type SaveOptions, saveMachine } from '../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';
import { temporaryStore } from './support/temporary-store.js';
import { MS, tickMachine } from './support/tick-subject.js';

const SECOND = 1000n * MS;
const HOUR = 3600n * SECOND;
const SAVED_AT = 1_700_000_000n * SECOND;
const NEW_ID = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);
const NEW_HEX = 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf';
const renewed = { kind: 'new', generation: NEW_ID } as const;

function saved(): SnapshotStore {
  const store = temporaryStore();
  const machine = tickMachine(MS);
  saveMachine(machine, store, 'one', { now: SAVED_AT });
  machine.close();
  return store;
}

/** Restores a snapshot, does something with the machine, and closes it. */
function withRestored<T>(store: SnapshotStore, name: string, options: LoadOptions, use: (machine: Machine) => T): T {
  const { machine } = loadMachine(store, name, options);
  try {
    return use(machine);
  } finally {
    machine.close();
  }
}

/** Only what runs can be stopped, and only what stands still saved. */
function saveStopped(machine: Machine, store: SnapshotStore, name: string, options: SaveOptions = {}): void {
  machine.resume();
  machine.pause();
  saveMachine(machine, store, name, options);
}

const idInMemory = ({ parts }: Machine): string =>
  Buffer.from(parts.engine.memory.read(VM_GENERATION_ID, 16)).toString('hex');
const stateOf = (machine: Machine) => Buffer.from(encode(saveTree(machine))).toString('hex');
const rtcOf = ({ parts }: Machine) => parts.board.devices.find(({ id }) => id === 'rtc')?.serialize().fields.time;
/** GPE0_STS and GPE0_EN. */
const events = ({ parts }: Machine) => parts.board.ports.read(0x40c, 2);

describe('the generation id', () => {
  test('stays, unless a new one is given', () => {
    const store = saved();
    const { generation } = store.open('one').manifest.clone;
    withRestored(store, 'one', {}, (machine) => {
      expect(Buffer.from(machine.parts.board.vmGeneration.guid).toString('hex')).toBe(generation);
      expect(events(machine)).toBe(0);
    });
  });

  test('a new one is in memory, and the guest is told', () => {
    withRestored(saved(), 'one', { identity: renewed }, (machine) => {
      expect(idInMemory(machine)).toBe(NEW_HEX);
      expect(events(machine)).toBe(1);
    });
  });

  test('a renewed one is saved and restored, and the next snapshot says where it comes from', () => {
    const store = saved();
    withRestored(store, 'one', { identity: renewed, now: SAVED_AT }, (machine) => saveStopped(machine, store, 'two'));
    const { clone } = store.open('two').manifest;
    const from = store.open('one').manifest.id;
    expect(clone).toEqual({
      generation: NEW_HEX,
      restored: { from, identity: 'new', addresses: 'keep', advanced: 0n },
    });
    withRestored(store, 'two', { verify: true }, (machine) => {
      expect(Buffer.from(machine.parts.board.vmGeneration.guid).toString('hex')).toBe(NEW_HEX);
      expect(idInMemory(machine)).toBe(NEW_HEX);
    });
    expect(
      diffSnapshots(store, 'one', 'two')
        .fields.map(({ path }) => path)
        .sort(),
    ).toEqual(expect.arrayContaining(['gpe.status', 'vm-generation.guid']));
  });

  test('an incremental snapshot of a machine with a new one has its page', () => {
    const store = saved();
    withRestored(store, 'one', { identity: renewed }, (machine) => {
      const changes = new ChangeLog(machine, store.open('one'));
      saveStopped(machine, store, 'child', { changes });
    });
    expect(store.open('child').manifest.parent).not.toBeNull();
    withRestored(store, 'child', {}, (machine) => expect(idInMemory(machine)).toBe(NEW_HEX));
  });
});

test('a log that begins later leaves alone what the guest wrote over the id', () => {
  withRestored(saved(), 'one', { identity: renewed }, (machine) => {
    machine.parts.engine.memory.fill(VM_GENERATION_ID, 16, 0xee);
    new ChangeLog(machine).close();
    expect(idInMemory(machine)).toBe('ee'.repeat(16));
  });
});

describe('the guest clock', () => {
  test('freeze moves nothing, however long it took', () => {
    const store = saved();
    expect(store.open('one').manifest.clock).toEqual({ time: MS, wall: SAVED_AT, policy: 'freeze' });
    const at = (now: bigint) => withRestored(store, 'one', { now }, stateOf);
    expect(at(SAVED_AT + HOUR)).toBe(at(SAVED_AT));
  });

  test('advance moves the real-time clock alone', () => {
    const store = saved();
    const restored = (now: bigint) =>
      withRestored(store, 'one', { now, overrides: { guestClock: 'advance' } }, (machine) => {
        const time = rtcOf(machine) as bigint;
        const { rtc: _, ...devices } = saveTree(machine).devices;
        return { time, others: Buffer.from(encode({ ...saveTree(machine), devices })).toString('hex') };
      });
    const [then, hourLater] = [restored(SAVED_AT), restored(SAVED_AT + HOUR)];
    expect(BigInt(hourLater.time) - BigInt(then.time)).toBe(3600n);
    expect(hourLater.others).toBe(then.others);
  });

  test('a host whose clock went back moves nothing, and one line says so', () => {
    const store = saved();
    const lines: string[] = [];
    const log = new SinkLogger((level, scope, message) => lines.push(`${level} ${scope} ${message}`));
    const overrides = { guestClock: 'advance' } as const;
    const now = SAVED_AT - 90n * SECOND;
    const moved = withRestored(store, 'one', { now, overrides, host: { log } }, stateOf);
    expect(moved).toBe(withRestored(store, 'one', { now: SAVED_AT, overrides }, stateOf));
    expect(lines).toEqual([
      expect.stringMatching(/^warn .*one: the host's clock is 90 s behind .*: the guest's clock stays as it was$/),
    ]);
  });

  test('what was chosen at the restore holds for the next one', () => {
    const store = saved();
    const overrides = { guestClock: 'advance' } as const;
    withRestored(store, 'one', { now: SAVED_AT + HOUR, overrides }, (machine) =>
      saveStopped(machine, store, 'two', { now: SAVED_AT + HOUR }),
    );
    const { clock, clone } = store.open('two').manifest;
    expect(clock).toEqual({ time: MS, wall: SAVED_AT + HOUR, policy: 'advance' });
    expect(clone.restored).toMatchObject({ identity: 'keep', advanced: HOUR });
    const [shown, later] = [0n, HOUR].map((more) =>
      withRestored(store, 'two', { now: SAVED_AT + HOUR + more }, (machine) => BigInt(rtcOf(machine) as bigint)),
    );
    expect((later ?? 0n) - (shown ?? 0n)).toBe(3600n);
  });
});
