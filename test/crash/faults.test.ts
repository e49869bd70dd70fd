// SPDX-License-Identifier: BSD-2-Clause
/** A disk that is full or broken, in every call in turn: one error, an untouched store, a guest that runs on. Uses dist. */
import { join } from 'node:path';
import { canShim, WatchedFolder } from './support/shim.js';

jest.setTimeout(300_000);

/** Everything is done under each fault in turn. */
function trials(error: string, manner: string): string[] {
  const folder = new WatchedFolder();
  try {
    const path = join(folder.root, 'store');
    return folder.run('fault-trials.js', error, manner, path).trimEnd().split('\n');
  } finally {
    folder.remove();
  }
}

(canShim ? test : test.skip).each([
  ['ENOSPC', 'full'],
  ['EIO', 'once'],
  ['EIO', 'always'],
])('%s, %s', (error, manner) => {
  const [faults, ...problems] = trials(error, manner).reverse();
  expect(problems).toEqual([]);
  expect(Number(faults)).toBeGreaterThan(100);
});

(canShim ? test : test.skip)('writes that do half of their work do no harm', () => {
  expect(trials('EIO', 'short')).toEqual(['0']);
});
