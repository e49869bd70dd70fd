// SPDX-License-Identifier: BSD-2-Clause
/** A small guest with a driver of its own gets frames from somebody who answers it; then the same from the recording. */
import { join } from 'node:path';
import { firstDifference, runTo } from '../../support/proof.js';
import { network } from '../../support/proof-guests/network.js';
import { DONE } from '../../support/proof-guests/proof-guest.js';
import { proofSubject } from '../../support/proof-subject.js';
import { recordRun, replayRun } from '../../support/recorded-run.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const path = join(temporaryFolder(), 'inputs');
const recorded = recordRun(network, path);

test('the guest comes to its end', () => {
  expect(recorded.console).toContain(DONE);
});

test('a replay, in which nobody answers, arrives at the same bits', () => {
  expect(firstDifference(recorded, replayRun(network, path))).toBeNull();
});

test('so does the proof, which takes what came in from such a recording', () => {
  const { console, instructions, memory, exits } = recorded;
  // It stands where it was switched off.
  expect(runTo(proofSubject(network), recorded.time)).toMatchObject({ console, instructions, memory, exits });
});
