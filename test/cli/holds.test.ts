// SPDX-License-Identifier: BSD-2-Clause
import { Holds } from '../../src/cli/holds.js';

function rig() {
  const done: string[] = [];
  const refusal: { reason: string | null } = { reason: null };
  const holds = new Holds<string>(async (stopped) => {
    if (refusal.reason !== null) throw new Error(refusal.reason);
    done.push(stopped ? 'stop' : 'run');
  });
  return { holds, done, refusal };
}

test('the guest runs when nobody holds it any more', async () => {
  const { holds, done } = rig();
  await holds.set('person', true);
  await holds.set('com1', true);
  await holds.set('com1', false);
  expect(done).toEqual(['stop']); // the console’s going does not end the person’s pause
  await holds.set('person', false);
  expect(done).toEqual(['stop', 'run']);
});

test('twice is as good as once', async () => {
  const { holds, done } = rig();
  await holds.set('person', false);
  await holds.set('person', true);
  await holds.set('person', true);
  await holds.set('person', false);
  expect(done).toEqual(['stop', 'run']);
});

test('a refusal changes nothing', async () => {
  const { holds, done, refusal } = rig();
  refusal.reason = 'the machine is stopped';
  await expect(holds.set('person', true)).rejects.toThrow('the machine is stopped');
  refusal.reason = null;
  await holds.set('person', true);
  expect(done).toEqual(['stop']);
});
