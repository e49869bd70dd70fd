// SPDX-License-Identifier: BSD-2-Clause
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectGarbage } from '../../src/host/collect-garbage.js';

test('what nothing refers to any more is gone at once', async () => {
  const weak = new WeakRef(new ArrayBuffer(1024 * 1024));
  await nextTurn(); // a WeakRef keeps its target for the turn in which it was made
  expect(weak.deref()).toBeDefined();
  await nextTurn();
  collectGarbage();
  expect(weak.deref()).toBeUndefined();
});
