// SPDX-License-Identifier: BSD-2-Clause
import type { TranslatorOptions } from '../../src/hypervisor/translator.js';
import { buildMachine } from '../../src/machine/build.js';
import type { ProofSubject } from './proof.js';
import { loadProofGuest } from './proof-guest-loader.js';
import type { ProofGuest } from './proof-guests/index.js';

const SMALLEST_MEMORY = 2 * 1024 * 1024;

/** So short a guest has no hot code: whatever can be is translated before it first runs. */
const AT_ONCE: Partial<TranslatorOptions> = { heat: 0 };

/** Machines with a small guest, at one nanosecond an instruction. */
export function proofSubject(guest: ProofGuest, translator = AT_ONCE): ProofSubject {
  return {
    build: (output, hashExits) =>
      buildMachine(
        { memory: SMALLEST_MEMORY, clock: { kind: 'virtual', numerator: 1, denominator: 1 }, ...guest.config },
        { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits, translator },
      ),
    start: (machine) => {
      loadProofGuest(machine, guest.code, guest.mode);
      guest.prepare?.(machine);
    },
  };
}
