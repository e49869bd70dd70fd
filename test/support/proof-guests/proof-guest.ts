// SPDX-License-Identifier: BSD-2-Clause
import type { MachineConfig } from '../../../src/machine/config.js';
import type { Machine } from '../../../src/machine/machine.js';
import type { GuestCode } from '../guest-code.js';

/** A small guest that brings a part of the machine into states that a save must keep. */
export interface ProofGuest {
  readonly name: string;
  readonly code: GuestCode;
  /** VM time at which the run ends; long after the guest has written the `DONE` mark. */
  readonly end: bigint;
  /** How the code finds the processor; 64-bit mode unless this says otherwise. */
  readonly mode?: 'long' | 'protected';
  readonly config?: Partial<MachineConfig>;
  /** What the host does to the machine before it runs. */
  readonly prepare?: (machine: Machine) => void;
}

export const COM1 = 0x3f8;
/** The last that every guest writes on COM1. */
export const DONE = '!';

/** Says that it is done, and halts for ever. */
export function done(code: GuestCode): GuestCode {
  return code.out(COM1, DONE.charCodeAt(0)).rest();
}
