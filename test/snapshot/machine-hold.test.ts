// SPDX-License-Identifier: BSD-2-Clause
import type { Machine } from '../../src/machine/machine.js';
import { MachineHold } from '../../src/snapshot/machine-hold.js';
import { MS, tickMachine } from './support/tick-subject.js';

let machine: Machine;
beforeEach(() => {
  machine = tickMachine(MS);
});
afterEach(() => machine.close());

test('a running machine runs on afterwards', () => {
  machine.resume();
  const hold = new MachineHold(machine);
  hold.take();
  expect(machine.state).toBe('paused');
  hold.release();
  expect(machine.state).toBe('running');
  expect(hold.stoppedMilliseconds).toBeGreaterThan(0);
});

test.each(['pause', 'resume'] as const)('%s while it is held is done afterwards', (asked) => {
  if (asked === 'pause') machine.resume();
  const hold = new MachineHold(machine);
  hold.take();
  hold[asked]();
  expect(machine.state).toBe('paused');
  hold.release();
  expect(machine.state).toBe(asked === 'pause' ? 'paused' : 'running');
});

test('the time that it stood still is that of the last time alone', () => {
  let now = 100;
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
  const hold = new MachineHold(machine);
  for (const milliseconds of [500, 3]) {
    hold.take();
    now += milliseconds;
    expect(hold.stoppedMilliseconds).toBe(milliseconds);
    hold.release();
    now += 7;
    expect(hold.stoppedMilliseconds).toBe(milliseconds);
  }
  clock.mockRestore();
});

test('a machine that was switched off while it was held stays off', () => {
  machine.resume();
  const hold = new MachineHold(machine);
  hold.take();
  machine.powerOff();
  hold.release();
  expect(machine.state).toBe('stopped');
});
