// SPDX-License-Identifier: BSD-2-Clause
/** The power goes at any point of what is done to a disk: what was flushed is there, and every snapshot is. Uses dist. */
import { join } from 'node:path';
import { randomNumbers, testSeed } from '../support/random.js';
import { examineDisk } from './support/disk-examine.js';
import { PLANS } from './support/disk-plan.js';
import { withoutSyncs, withoutSyncsOf } from './support/lies.js';
import { powerCuts } from './support/power-cuts.js';
import { canShim, WatchedFolder } from './support/shim.js';
import type { Change } from './support/store-log.js';

jest.setTimeout(300_000);

const seed = testSeed();
/** Of so many states one is looked at, another one with each seed; TSBHYVE_EVERY_CUT=1 looks at all. */
const SHARE = process.env.TSBHYVE_EVERY_CUT === '1' ? 1 : 5;
const logs = new Map<string, Change[]>();

function logOf(plan: string): Change[] {
  const known = logs.get(plan);
  if (known !== undefined) return known;
  const folder = new WatchedFolder();
  try {
    folder.run('disk-scenarios.js', plan, join(folder.root, 'new/disks'));
    const log = folder.changes();
    logs.set(plan, log);
    return log;
  } finally {
    folder.remove();
  }
}

/** Returns how many states there are. */
function examine(log: readonly Change[], plan: string, share: number): number {
  let states = 0;
  for (const cut of powerCuts(log, { random: randomNumbers(seed), tears: 1 })) {
    if (states % share === seed % share) examineDisk(cut, PLANS[plan] ?? []);
    states += 1;
  }
  return states;
}

(canShim ? describe : describe.skip)(`power cuts of disks (seed ${seed})`, () => {
  test.each(Object.keys(PLANS))('%s', (plan) => {
    const isLong = plan === 'merge' && SHARE > 1;
    expect(examine(logOf(plan), plan, isLong ? 3 * SHARE : SHARE)).toBeGreaterThan(20);
  });

  test.each<readonly [string, (log: readonly Change[]) => Change[], string]>([
    ['files are not synced', (log) => withoutSyncs(log, 'create'), 'layers'],
    ['folders are not synced', (log) => withoutSyncs(log, 'folder'), 'layers'],
    ...['.new-HEAD', 'disk.img.tsbhyve', 'disk.img'].map(
      (name) => [`${name} is not synced`, (log: readonly Change[]) => withoutSyncsOf(log, name), 'restore'] as const,
    ),
  ])('harm is seen when %s', (_, lie, plan) => {
    expect(() => examine(lie(logOf(plan)), plan, 1)).toThrow(/^after \d+ of \d+ calls/);
  });
});
