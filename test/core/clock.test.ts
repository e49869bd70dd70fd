// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { AlarmQueue, ManualClock, VmClock } from '../../src/core/clock.js';

test('alarms fire by deadline, then device id, then name, however they were armed', () => {
  const key = fc.tuple(
    fc.constantFrom(1n, 2n, 3n),
    fc.constantFrom('com1', 'com2', 'Hpet'),
    fc.constantFrom('a', 'b', 'C'),
  );
  const keys = fc.uniqueArray(key, { selector: ([, id, name]) => `${id}/${name}` });
  fc.assert(
    fc.property(keys, (alarms) => {
      const queue = new AlarmQueue();
      const fired: [bigint, string, string][] = [];
      for (const [deadline, id, name] of alarms) {
        const alarm = queue.alarm(id, name, (at) => fired.push([at, id, name]));
        alarm.arm(99n);
        alarm.arm(deadline);
      }
      queue.fireDue(3n);
      const less = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
      const expected = [...alarms].sort((a, b) => Number(a[0] - b[0]) || less(a[1], b[1]) || less(a[2], b[2]));
      expect(fired).toEqual(expected);
      expect(queue.nextDeadline()).toBeNull();
    }),
  );
});

test('an alarm fires once, not before its deadline, and not when disarmed', () => {
  const clock = new ManualClock(5n);
  const fired: bigint[] = [];
  const alarm = clock.alarm('pit', 'channel0', (deadline) => fired.push(deadline, clock.now()));
  expect(alarm.deadline).toBeNull();
  alarm.arm(10n);
  expect(clock.nextDeadline()).toBe(10n);
  clock.advance(4n);
  expect(fired).toEqual([]);
  clock.advance(100n);
  expect(fired).toEqual([10n, 10n]);
  expect(alarm.deadline).toBeNull();
  alarm.arm(200n);
  alarm.disarm();
  alarm.disarm();
  clock.advanceTo(300n);
  expect(fired).toHaveLength(2);
  expect(clock.now()).toBe(300n);
});

test('a periodic alarm fires at every period on the way; set fires nothing', () => {
  const clock = new ManualClock();
  const fired: bigint[] = [];
  const alarm = clock.alarm('pit', 'channel0', (deadline) => {
    fired.push(deadline);
    alarm.arm(deadline + 10n);
  });
  alarm.arm(10n);
  clock.advanceTo(35n);
  expect(fired).toEqual([10n, 20n, 30n]);
  clock.set(1000n);
  expect(fired).toHaveLength(3);
});

test('an alarm may disarm another that is due at the same time', () => {
  const clock = new ManualClock();
  const fired: string[] = [];
  const second = clock.alarm('b', 'x', () => fired.push('b'));
  const first = clock.alarm('a', 'x', () => {
    fired.push('a');
    second.disarm();
  });
  first.arm(1n);
  second.arm(1n);
  clock.advance(1n);
  expect(fired).toEqual(['a']);
});

test('an alarm that never moves forward is reported by name and does not hang', () => {
  const clock = new ManualClock();
  const alarm = clock.alarm('hpet', 'timer0', (deadline) => alarm.arm(deadline));
  alarm.arm(1n);
  expect(() => clock.advance(1n)).toThrow('hpet/timer0 was armed again for 1, not after 1');
});

test('two alarms of one name are refused: their order would be open', () => {
  const clock = new ManualClock();
  clock.alarm('rtc', 'update', () => {});
  expect(() => clock.alarm('rtc', 'update', () => {})).toThrow('rtc/update');
});

test('the machine clock follows its source', () => {
  let time = 7n;
  const clock = new VmClock(() => time);
  const fired: bigint[] = [];
  clock.alarm('a', 'x', (deadline) => fired.push(deadline)).arm(8n);
  clock.fireDue();
  expect(fired).toEqual([]);
  time = 20n;
  expect(clock.now()).toBe(20n);
  expect(clock.nextDeadline()).toBe(8n);
  clock.fireDue();
  expect(fired).toEqual([8n]);
});
