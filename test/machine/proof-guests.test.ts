// SPDX-License-Identifier: BSD-2-Clause
/**
 * The proof for every family of instructions and every device, with cuts between all instructions. What is translated has to
 * arrive where the interpreter does.
 */
import { cutTimes } from '../support/cut-times.js';
import { firstDifference, runFrom, runTo, savesOf } from '../support/proof.js';
import { ATTACHED_GUESTS, DONE, PROOF_GUESTS, type ProofGuest } from '../support/proof-guests/index.js';
import { proofSubject } from '../support/proof-subject.js';

/** Longer guests are cut less often, after every fourth instruction at most: this has to stay a short test. */
const MANY = 300;

const named = [...PROOF_GUESTS, ...ATTACHED_GUESTS].map((guest): [string, ProofGuest] => [guest.name, guest]);

describe.each(named)('%s', (_name, guest) => {
  const subject = proofSubject(guest);
  const whole = runTo(proofSubject(guest, { mode: 'off' }), guest.end);

  test('the guest comes to its end', () => {
    expect(whole.console).toContain(DONE);
  });

  test('saved and restored on its way, it arrives at the same bits', () => {
    const all = cutTimes(subject, guest.end);
    const step = all.length > MANY ? Math.max(4, Math.ceil(all.length / MANY)) : 1;
    const cuts = all.filter((_, index) => index % step === 0);
    const difference = firstDifference(whole, runTo(subject, guest.end, cuts));
    if (difference === null) return;
    // Which of the cuts did it?
    const bad = [...savesOf(subject, cuts)].findIndex(
      (saved) => firstDifference(whole, runFrom(subject, saved, guest.end)) !== null,
    );
    throw new Error(`${difference}; the first bad cut is at ${cuts[bad] ?? 'none alone'}`);
  });
});
