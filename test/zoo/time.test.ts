// SPDX-License-Identifier: BSD-2-Clause
/** The bug zoo, time: docs/bug-zoo.md has the whole list, with the number of each. */
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { fileIn, temporaryStore } from '../snapshot/support/temporary-store.js';
import { MS, tickMachine } from '../snapshot/support/tick-subject.js';
import { type Restoring, restore, type SavedMachine } from '../support/proof.js';
import { lapic } from '../support/proof-guests/lapic.js';
import { processors } from '../support/proof-guests/processors.js';
import { hpet, pit, rtc } from '../support/proof-guests/timers.js';
import { valueIn, withoutAlarms, withValue } from '../support/wrong-restores.js';
import { expectNoticed, losing, ofVcpu } from './support/strike.js';

const lapicRow = (saved: SavedMachine, row: string): number =>
  Number(valueIn(saved, ['vcpu', 'fields', 'lapic', row, '0']));
/** The timer is the first of the LVT, bits 17 and 18 are its mode: SDM vol. 3, figure 11-8. */
const isDeadlineMode = (saved: SavedMachine): boolean => ((lapicRow(saved, 'lvt') >>> 17) & 3) === 2;

const HOUR = 3_600_000_000_000n;

/** Puts the clock right, or wrong, once the guest is back. */
const withTime =
  (timeOf: (saved: SavedMachine) => bigint): Restoring =>
  (machine, saved) => {
    restore(machine, saved);
    machine.parts.engine.setTime(timeOf(saved));
  };

/** The order itself: test/hypervisor/vcpu-state.test.ts. */
test('1. Firecracker restored TSC_DEADLINE before the TSC, and the timer was lost', () => {
  expectNoticed(lapic, losing(ofVcpu('lapic.tsc_deadline', [0])));
});

test('2. Cloud Hypervisor set the clock when the vCPUs ran already', () => {
  expectNoticed(lapic, {
    restoring: (machine, saved) => {
      restore(machine, saved);
      machine.resume();
      machine.runSlice(saved.time + 5n);
      if (machine.state !== 'running') return; // the guest has ended
      machine.pause();
      machine.parts.engine.setTime(saved.time);
    },
  });
});

test('4. TSC offsets of vCPUs diverged', () => {
  const adjust = 0x3b;
  const all = ['processors', 'fields', 'others', '0', 'fields', 'msrs'];
  const place = (saved: SavedMachine): string[] => {
    const rows = Object.values(valueIn(saved, all) as Record<string, { number: number }>); // a list of records
    return [...all, String(rows.findIndex(({ number }) => number === adjust)), 'value'];
  };
  expectNoticed(processors, {
    when: (saved) => Number(valueIn(saved, place(saved))) !== 0,
    spoil: (saved) => withValue(saved, place(saved), 0),
  });
});

test("5. The guest's monotonic clock jumped: the host's time while it was saved counted", () => {
  expectNoticed(hpet, { restoring: withTime(({ time }) => time + HOUR) });
});

test('5. Under the real clock, too, time stands still from the save to the first instruction after it', () => {
  const store = temporaryStore();
  const machine = tickMachine(MS, { kind: 'real' });
  const { time } = machine;
  saveMachine(machine, store, 'one');
  machine.close();
  const loaded = loadMachine(store, 'one');
  expect(loaded.machine.time).toBe(time);
  expect(loaded.machine.time).toBe(time);
  loaded.machine.close();
});

test("6. Propolis could not import where the host's uptime was shorter: durations were host times", () => {
  const store = temporaryStore();
  const states = [1_000_000_000n, 2_000_000_000n].map((now) => {
    const machine = tickMachine(3n * MS);
    saveMachine(machine, store, `at-${now}`, { now });
    machine.close();
    return fileIn(store, `at-${now}/state.cbor`);
  });
  expect(states[0]).toEqual(states[1]);
  const uptime = process.hrtime.bigint();
  expectNoticed(hpet, {
    when: (saved) => valueIn(saved, ['devices', 'hpet', 'fields', 'enabled']) === true,
    spoil: (saved) => withValue(saved, ['devices', 'hpet', 'fields', 'since'], uptime),
  });
});

test('7. The timer of the local APIC was restored and never armed: ping worked, ssh hung', () => {
  expectNoticed(lapic, losing(ofVcpu('lapic.timer_running', [0])));
});

test.each([
  ['8254', 'pit', pit],
  ['real-time clock', 'rtc', rtc],
  ['HPET', 'hpet', hpet],
])('7. The alarm of the %s was restored and never armed', (_name, id, guest) => {
  expectNoticed(guest, { ...withoutAlarms(id), when: isHalted });
});

/** Where the guest halts, so that it is waiting for the alarm. */
function isHalted(saved: SavedMachine): boolean {
  return valueIn(saved, ['vcpu', 'fields', 'registers', 'run_state']) === 1;
}

test('8. A TSC_DEADLINE of 0 means "no timer", and not "long ago"', () => {
  expectNoticed(lapic, {
    when: (saved) => isDeadlineMode(saved) && lapicRow(saved, 'tsc_deadline') === 0,
    spoil: (saved) => withValue(saved, ['vcpu', 'fields', 'lapic', 'tsc_deadline'], [1]),
  });
});
