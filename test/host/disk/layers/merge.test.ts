// SPDX-License-Identifier: BSD-2-Clause
import { firstToMerge } from '../../../../src/host/disk/layers/merge.js';

test.each<readonly [sizes: number[], first: number]>([
  [[1, 1, 1, 1, 1, 1, 1, 1, 1], 0],
  // What is larger than all above it stays: copying it again would cost more than it saves.
  [[100, 1, 1, 1, 1, 1, 1, 1, 1], 1],
  [[100, 50, 1, 1, 1, 1, 1, 1, 1], 2],
  [[1, 100, 50, 1, 1, 1, 1, 1, 1], 3],
  // However large they are, at most eight are left.
  [[512, 256, 128, 64, 32, 16, 8, 4, 2, 1], 7],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0], 0],
])('of layers of %j those from %d on are merged', (sizes, first) => {
  expect(firstToMerge(sizes)).toBe(first);
});

test('a chain that only grows is short for ever, and bytes are copied a few times each', () => {
  let chain: number[] = [];
  let copied = 0;
  for (let made = 0; made < 1000; made += 1) {
    chain.push(1);
    if (chain.length <= 8) continue;
    const first = firstToMerge(chain);
    const merged = chain.slice(first).reduce((sum, size) => sum + size, 0);
    copied += merged;
    chain = [...chain.slice(0, first), merged];
    expect(chain.length).toBeLessThanOrEqual(8);
  }
  expect(copied).toBeLessThan(10 * 1000);
});
