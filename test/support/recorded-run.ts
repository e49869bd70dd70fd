// SPDX-License-Identifier: BSD-2-Clause
/** The run of a small guest with somebody at the other end of its links, as `--record` writes it down. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nullLogger } from '../../src/core/log.js';
import { entryOf, isInput } from '../../src/machine/inputs/input-fields.js';
import { RecordReader } from '../../src/machine/inputs/record-file.js';
import { RecordedInputs } from '../../src/machine/inputs/recorded-inputs.js';
import { ReplayedInputs } from '../../src/machine/inputs/replayed-inputs.js';
import { runUntil } from '../../src/machine/run.js';
import { deliver, type Incoming } from './incoming.js';
import { type Evidence, evidence } from './proof.js';
import type { HostSide, ProofGuest } from './proof-guests/proof-guest.js';
import { buildProofMachine, startProofMachine } from './proof-machine.js';

/** How often the host looks whether the guest has sent something. */
const LOOK = 20n;

/** Recorded once a guest. */
const recordings = new Map<ProofGuest, readonly Incoming[]>();

export function recordedInputs(guest: ProofGuest): readonly Incoming[] {
  if (guest.meet === undefined) return [];
  const known = recordings.get(guest);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-inputs-'));
  try {
    recordRun(guest, join(folder, 'inputs'));
    const inputs = readInputs(join(folder, 'inputs'));
    recordings.set(guest, inputs);
    return inputs;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** To the guest's end; the machine is switched off then. */
export function recordRun(guest: ProofGuest, path: string): Evidence {
  const output: number[] = [];
  const machine = buildProofMachine(guest, output, true);
  try {
    startProofMachine(guest, machine);
    const inputs = new RecordedInputs(machine, nullLogger, path);
    machine.resume();
    const run = (time: bigint): void => {
      if (machine.time > guest.end) throw new Error(`${guest.name}: it came to its end, and somebody still waits`);
      runUntil(machine, machine.time + time);
    };
    const host: HostSide = {
      run,
      listen: () => {
        for (const sent = output.length; output.length === sent; ) run(LOOK);
      },
      ask: (name, ...given) => {
        inputs.take(name, given, () => deliver(machine, name, given));
      },
    };
    guest.meet?.(host);
    runUntil(machine, guest.end);
    inputs.take('powerOff', [], () => machine.powerOff());
    inputs.end();
    return evidence(machine, output);
  } finally {
    machine.close();
  }
}

/** The same from the recording, with nobody there. */
export function replayRun(guest: ProofGuest, path: string): Evidence {
  const output: number[] = [];
  const machine = buildProofMachine(guest, output, true);
  try {
    startProofMachine(guest, machine);
    const inputs = new ReplayedInputs(machine, nullLogger, path, (name, given) => {
      if (!isInput(name)) throw new Error(`a recording with ${name} in it`);
      deliver(machine, name, given);
    });
    machine.resume();
    while (machine.state === 'running') inputs.runSlice();
    inputs.end();
    return evidence(machine, output);
  } finally {
    machine.close();
  }
}

/** What came in. */
function readInputs(path: string): Incoming[] {
  const reader = new RecordReader(path);
  try {
    reader.next(); // how the machine was set up
    const inputs: Incoming[] = [];
    for (let saved = reader.next(); saved !== null; saved = reader.next()) {
      const entry = entryOf(saved);
      if (entry.name !== 'end') inputs.push(entry);
    }
    return inputs;
  } finally {
    reader.close();
  }
}
