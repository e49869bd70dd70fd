// SPDX-License-Identifier: BSD-2-Clause
/** Under the virtual clock a Linux guest's life is the same to the last bit, whatever is done to the machine on the way. */
import type { Guest } from '../../scripts/quickstart/guest.js';
import { type Evidence, firstDifference, type ProofSubject } from '../support/proof.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { cloudGuest, standardGuest } from './support/debian-files.js';
import { type Disturbance, linuxLife, linuxSubject, UNDISTURBED } from './support/linux-proof.js';
import { MOMENTS, runToMoment } from './support/moments.js';
import { pauses } from './support/restarts.js';

const seed = testSeed();
const guests: readonly (readonly [string, () => Promise<Guest>])[] = [
  ['cloud', cloudGuest],
  ['standard', standardGuest],
];

const disturbances: readonly (readonly [string, (random: () => number) => Disturbance])[] = [
  ['nothing', () => UNDISTURBED],
  ['stops at random times', (random) => ({ pause: pauses(random, 50_000), disturb: (machine) => machine })],
  [
    'caches dropped at random times',
    (random) => ({
      pause: pauses(random, 2_000_000),
      disturb: (machine) => {
        machine.parts.engine.dropCaches();
        return machine;
      },
    }),
  ],
  [
    'saving and restoring at random times and at hard ones',
    (random) => ({
      pause: pauses(random, 6_000_000), // some hundreds of restores
      disturb: (machine, restart) => {
        runToMoment(machine, MOMENTS[Math.floor(random() * MOMENTS.length)] ?? 'anywhere');
        return machine.state === 'running' ? restart() : machine;
      },
    }),
  ],
];

describe.each(guests)("Debian's %s kernel", (_name, fetchGuest) => {
  let subject: ProofSubject;
  let whole: Evidence;

  beforeAll(async () => {
    subject = linuxSubject(await fetchGuest());
    whole = linuxLife(subject, UNDISTURBED);
  });

  test('lives as the script says', () => {
    expect(whole.console).toContain('42\r\n');
    expect(whole.stop).toBe('{"kind":"power-off"}');
  });

  test.each(disturbances)(`%s (seed ${seed}) changes nothing`, (_what, disturbance) => {
    expect(firstDifference(whole, linuxLife(subject, disturbance(randomNumbers(seed))))).toBeNull();
  });
});
