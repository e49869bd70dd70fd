// SPDX-License-Identifier: BSD-2-Clause
/**
 * The proof of the proof: each value of a saved machine is replaced, once by what a new machine has in its place (as a
 * restore that forgets it would) and once by something else. The proof must notice, or docs/proof-survivors.md says why not.
 */
import { listedSurvivors } from '../support/listed-survivors.js';
import { inProcess, MutantTrials } from '../support/mutant-trials.js';
import { PROOF_GUESTS, type ProofGuest } from '../support/proof-guests/index.js';

const MINUTE = 60_000;

const trials = new MutantTrials(inProcess);

test.each(PROOF_GUESTS.map((guest): [string, ProofGuest] => [guest.name, guest]))(
  'mutants of %s',
  (_name, guest) => trials.run(guest),
  MINUTE,
);

test('every mutant was noticed, or the table says why not', () => {
  expect(trials.survivors.sort()).toEqual(listedSurvivors('Values'));
});
