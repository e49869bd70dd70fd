// SPDX-License-Identifier: BSD-2-Clause
import type { TranslatorOptions } from '../../src/hypervisor/translator.js';
import { buildMachine } from '../../src/machine/build.js';
import type { ExitHash } from '../../src/machine/exit-hash.js';
import type { Machine } from '../../src/machine/machine.js';
import { loadProofGuest } from './proof-guest-loader.js';
import type { ProofGuest } from './proof-guests/proof-guest.js';

const SMALLEST_MEMORY = 2 * 1024 * 1024;

/** So short a guest has no hot code: whatever can be is translated before it first runs. */
export const AT_ONCE: Partial<TranslatorOptions> = { heat: 0 };

/** A machine for a small guest, at one nanosecond an instruction. */
export function buildProofMachine(
  guest: ProofGuest,
  output: number[],
  hashExits: ExitHash | true,
  translator = AT_ONCE,
): Machine {
  return buildMachine(
    { memory: SMALLEST_MEMORY, clock: { kind: 'virtual', numerator: 1, denominator: 1 }, ...guest.config },
    {
      outputs: { com1: { write: (byte) => output.push(byte) } },
      devices: guest.devices?.(output) ?? {},
      hashExits,
      translator,
    },
  );
}

/** What is left to be done before it runs for the first time. */
export function startProofMachine(guest: ProofGuest, machine: Machine): void {
  loadProofGuest(machine, guest.code, guest.mode);
  guest.prepare?.(machine);
}
