// SPDX-License-Identifier: BSD-2-Clause
/** A whole life of a Linux guest: boots to a shell, is typed at by a script, and ends. */
import type { Guest } from '../../../scripts/quickstart/guest.js';
import { PROMPT } from '../../../scripts/quickstart/initramfs.js';
import type { PortBus } from '../../../src/core/port-bus.js';
import type { ClockMode } from '../../../src/hypervisor/hypervisor.js';
import { buildMachine } from '../../../src/machine/build.js';
import type { MachineConfig, ScriptStep } from '../../../src/machine/config.js';
import { runUntilStopped } from '../../../src/machine/run.js';
import type { StopReason } from '../../../src/machine/stop.js';

const MIB = 1024 * 1024;
/** The shell asks the terminal where the cursor is, at each prompt. */
const ASK_CURSOR = '\x1b[6n';

export const virtualClock: ClockMode = { kind: 'virtual', numerator: 1, denominator: 1 };

export interface LinuxSession {
  readonly reason: StopReason | null;
  /** What came after each prompt, the echo of the command included; first of all the boot. */
  readonly answers: readonly string[];
  /** Reads of the 8254's counters. */
  readonly pitReads: number;
}

/** At the next prompt. */
export const typed = (send: string) => ({ after: PROMPT, send });

export function runLinux(
  { kernel, initrd }: Guest,
  clock: ClockMode,
  script: readonly ScriptStep[],
  more: Partial<MachineConfig> = {},
): LinuxSession {
  let text = '';
  const com1 = {
    write(byte: number): void {
      text += String.fromCharCode(byte);
    },
  };
  const machine = buildMachine(
    {
      memory: 256 * MIB,
      clock,
      boot: { kernel, initrd, commandLine: 'console=ttyS0' },
      scripts: { com1: script },
      ...more,
    },
    { outputs: { com1 } },
  );
  try {
    const pitReads = countPitReads(machine.parts.board.ports);
    machine.powerOn();
    machine.resume();
    const reason = runUntilStopped(machine);
    return {
      reason,
      answers: text.replaceAll('\r', '').replaceAll(ASK_CURSOR, '').split(PROMPT),
      pitReads: pitReads(),
    };
  } finally {
    machine.close();
  }
}

function countPitReads(ports: PortBus): () => number {
  let count = 0;
  const read = ports.read.bind(ports);
  ports.read = (port, width) => {
    if (port >= 0x40 && port <= 0x42) count += 1;
    return read(port, width);
  };
  return () => count;
}
