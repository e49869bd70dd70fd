// SPDX-License-Identifier: BSD-2-Clause
import type { ProofSubject } from './proof.js';
import type { ProofGuest } from './proof-guests/index.js';
import { AT_ONCE, buildProofMachine, startProofMachine } from './proof-machine.js';
import { recordedInputs } from './recorded-run.js';

/** Machines with a small guest, which get what came in when it was recorded. */
export function proofSubject(guest: ProofGuest, translator = AT_ONCE): ProofSubject {
  return {
    build: (output, hash) => buildProofMachine(guest, output, hash, translator),
    start: (machine) => startProofMachine(guest, machine),
    inputs: recordedInputs(guest),
  };
}
