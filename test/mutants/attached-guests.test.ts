// SPDX-License-Identifier: BSD-2-Clause
/** The proof of the proof (test/machine/proof-mutants.test.ts), with the guests that have a disk or a recording, too. */
import { listedSurvivors } from '../support/listed-survivors.js';
import { inProcess, MutantTrials } from '../support/mutant-trials.js';
import { ATTACHED_GUESTS, PROOF_GUESTS, type ProofGuest } from '../support/proof-guests/index.js';

const trials = new MutantTrials(inProcess);

test.each([...PROOF_GUESTS, ...ATTACHED_GUESTS].map((guest): [string, ProofGuest] => [guest.name, guest]))(
  'mutants of %s',
  (_name, guest) => trials.run(guest),
);

test('every mutant was noticed, or the tables say why not', () => {
  const listed = ['Values', 'Values of disks and network cards'].flatMap(listedSurvivors);
  expect(trials.survivors.sort()).toEqual(listed.sort());
});
