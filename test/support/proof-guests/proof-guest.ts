// SPDX-License-Identifier: BSD-2-Clause
import type { BuildOptions } from '../../../src/machine/build.js';
import type { MachineConfig } from '../../../src/machine/config.js';
import type { InputName } from '../../../src/machine/inputs/input-fields.js';
import type { Machine } from '../../../src/machine/machine.js';
import type { CommandArguments } from '../../../src/machine/thread-messages.js';
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
  /** What stands behind the devices of each of its machines; what goes out through them is written to `output`. */
  readonly devices?: (output: number[]) => NonNullable<BuildOptions['devices']>;
  /** Who is at the other end of its links while a run of it is recorded: every run gets what came in then. */
  readonly meet?: (host: HostSide) => void;
}

/** What the host sees of a machine whose inputs are recorded, and does to it. */
export interface HostSide {
  /** For so many nanoseconds. */
  run(time: bigint): void;
  /** Lets it run until its guest has sent something, or something more. */
  listen(): void;
  ask<N extends InputName>(name: N, ...given: CommandArguments<N>): void;
}

export const COM1 = 0x3f8;
/** The last that every guest writes on COM1. */
export const DONE = '!';

/** Says that it is done, and halts for ever. */
export function done(code: GuestCode): GuestCode {
  return code.out(COM1, DONE.charCodeAt(0)).rest();
}
