// SPDX-License-Identifier: BSD-2-Clause
/** A Debian guest's life is the same to the last bit however, and whenever, its code is translated. */
import type { TranslatorOptions } from '../../src/hypervisor/translator.js';
import { type Evidence, firstDifference } from '../support/proof.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { cloudGuest } from './support/debian-files.js';
import { type Disturbance, linuxLife, linuxSubject, UNDISTURBED } from './support/linux-proof.js';
import { pauses } from './support/restarts.js';

const seed = testSeed();
const random = randomNumbers(seed);

/** Little enough that it is full all the time. */
const TINY: Partial<TranslatorOptions> = { codeBytes: 256 * 1024 };

const lives: readonly (readonly [string, Partial<TranslatorOptions>, Disturbance])[] = [
  ['on', {}, UNDISTURBED],
  ['for code that has run once', { heat: 1 }, UNDISTURBED],
  ['in tiny code memory', { heat: 1, ...TINY }, UNDISTURBED],
  ['switched at random times', { heat: 2 }, { pause: pauses(random, 1_000_000), disturb: switched() }],
  ['in slices cut at random', { heat: 2 }, { pause: pauses(random, 20_000), disturb: (machine) => machine }],
  ['in lockstep with tier 1', { mode: 'lockstep', heat: 4 }, UNDISTURBED],
];

function switched(): Disturbance['disturb'] {
  return (machine) => {
    machine.parts.engine.restTranslator(random() < 0.5);
    return machine;
  };
}

let plain: Evidence;

beforeAll(async () => {
  plain = linuxLife(linuxSubject(await cloudGuest(), { translator: { mode: 'off' } }), UNDISTURBED);
});

test('lives as the script says', () => {
  expect(plain.stop).toBe('{"kind":"power-off"}');
});

test.each(lives)(`translation %s (seed ${seed})`, async (_name, translator, disturbance) => {
  const life = linuxLife(linuxSubject(await cloudGuest(), { translator }), disturbance);
  expect(life.stop).toBe(plain.stop);
  expect(firstDifference(plain, life)).toBeNull();
});
