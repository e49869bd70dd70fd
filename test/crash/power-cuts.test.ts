// SPDX-License-Identifier: BSD-2-Clause
/** The power goes at any point of what is done to a store: every snapshot is whole or absent, and none is lost. Uses dist. */
import { MS, tickMachine } from '../snapshot/support/tick-subject.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { withEarlyRenames, withoutSyncAfter, withoutSyncs, withoutSyncsOf } from './support/lies.js';
import { keyOf, wholeTree } from './support/power-cuts.js';
import { examineAll, recorded } from './support/recording.js';
import { SCENARIOS } from './support/scenarios.js';
import { canShim } from './support/shim.js';
import type { Change } from './support/store-log.js';

jest.setTimeout(120_000);

const seed = testSeed();
const machine = tickMachine(MS);
const options = { random: randomNumbers(seed), tears: 2 };
afterAll(() => machine.close());

(canShim ? describe : describe.skip)(`power cuts (seed ${seed})`, () => {
  test.each(Object.keys(SCENARIOS))('%s', (scenario) => {
    expect(examineAll(recorded(scenario).log, machine, options)).toBeGreaterThan(20);
  });

  test.each(Object.keys(SCENARIOS))('the log of %s has all that was done', (scenario) => {
    const { log, tree } = recorded(scenario);
    expect(keyOf(wholeTree(log), [])).toBe(keyOf(tree, []));
  });

  test.each<readonly [string, (log: readonly Change[]) => Change[], string]>([
    ['files are not synced', (log) => withoutSyncs(log, 'create'), 'save'],
    ['folders are not synced', (log) => withoutSyncs(log, 'folder'), 'save'],
    ['a removed snapshot loses its files before its name', (log) => withoutSyncs(log, 'folder'), 'remove'],
    ['a suspend loses its files before its name', (log) => withoutSyncs(log, 'folder'), 'resume'],
    ['a suspend is not marked as spent', (log) => withoutSyncAfter(log, 'spent'), 'resume'],
    ['snapshots are named before they are whole', withEarlyRenames, 'save'],
    ...['ram', 'state.cbor', 'index.cbor', 'manifest.json', '.draft-', 'store', 'new'].map(
      (name) => [`${name} is not synced`, (log: readonly Change[]) => withoutSyncsOf(log, name), 'save'] as const,
    ),
  ])('harm is seen when %s', (_, lie, scenario) => {
    const log = lie(recorded(scenario).log);
    expect(() => examineAll(log, machine, options)).toThrow(/^after \d+ of \d+ calls/);
  });
});
