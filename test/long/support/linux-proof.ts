// SPDX-License-Identifier: BSD-2-Clause
/** A Linux guest's life from power-on to power-off under the virtual clock, disturbed on its way, and what is left of it. */
import type { Guest } from '../../../scripts/quickstart/guest.js';
import type { TranslatorOptions } from '../../../src/hypervisor/translator.js';
import { type BuildOptions, buildMachine } from '../../../src/machine/build.js';
import type { MachineConfig, ScriptStep } from '../../../src/machine/config.js';
import type { ExitHash } from '../../../src/machine/exit-hash.js';
import type { Machine } from '../../../src/machine/machine.js';
import { type Evidence, evidence, type ProofSubject, restore, save } from '../../support/proof.js';
import { typed, virtualClock } from './linux-session.js';

const MEMORY = 128 * 1024 * 1024;

const SCRIPT = [
  typed('echo $((6 * 7)); cat /proc/interrupts\n'),
  typed('sleep 1; md5sum /bin/busybox\n'),
  typed('poweroff\n'),
];

export interface LinuxLife {
  readonly script?: readonly ScriptStep[];
  readonly config?: Partial<MachineConfig>;
  readonly devices?: NonNullable<BuildOptions['devices']>;
  readonly translator?: Partial<TranslatorOptions>;
}

export function linuxSubject({ kernel, initrd }: Guest, life: LinuxLife = {}): ProofSubject {
  const { script = SCRIPT, config = {}, devices = {}, translator = {} } = life;
  return {
    build: (output: number[], hashExits: ExitHash | true) =>
      buildMachine(
        {
          memory: MEMORY,
          clock: virtualClock,
          boot: { kernel, initrd, commandLine: 'console=ttyS0' },
          scripts: { com1: script },
          ...config,
        },
        { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits, devices, translator },
      ),
    start: (machine) => machine.powerOn(),
  };
}

/** A life in pieces: tells when to stop next, and does something to the machine there. */
export interface Disturbance {
  /** VM time from one stop to the next, in nanoseconds; null runs through. */
  readonly pause: () => bigint | null;
  /** May give back another machine that goes on from there. The machine runs. */
  readonly disturb: (machine: Machine, restart: () => Machine) => Machine;
}

export const UNDISTURBED: Disturbance = { pause: () => null, disturb: (machine) => machine };

export function linuxLife(subject: ProofSubject, { pause, disturb }: Disturbance): Evidence {
  const output: number[] = [];
  let machine = subject.build(output, true);
  const restart = (): Machine => {
    machine.pause();
    const saved = save(machine, output);
    machine.close();
    machine = subject.build(output, saved.hash);
    restore(machine, saved);
    machine.resume();
    return machine;
  };
  try {
    subject.start(machine);
    machine.resume();
    for (let next = pause(); runPiece(machine, next); next = pause()) machine = disturb(machine, restart);
    return evidence(machine, output);
  } finally {
    machine.close();
  }
}

/** False when the guest has come to its end. */
function runPiece(machine: Machine, length: bigint | null): boolean {
  const limit = length === null ? undefined : machine.time + length;
  for (;;) {
    const end = machine.runSlice(limit);
    if (end === 'limit') return true;
    if (end !== 'ran') return false;
  }
}
