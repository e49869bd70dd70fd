// SPDX-License-Identifier: BSD-2-Clause
/**
 * Boots a kernel up to a line and prints how many instructions that took and how long:
 * node count-instructions.js KERNEL INITRD APPEND MIB LINE. The clock is the host's, as in the boots that are timed.
 */
import { buildMachine } from '../../src/machine/build.js';
import { sleepIdle } from '../../src/machine/run.js';

const [kernel = '', initrd = '', commandLine = '', mib = '', line = ''] = process.argv.slice(2);
let recent = '';
let found = false;
const com1 = {
  write(byte: number): void {
    recent = (recent + String.fromCharCode(byte)).slice(-line.length);
    found ||= recent === line;
  },
};
const machine = buildMachine(
  { engine: 'soft', memory: Number(mib) * 1024 * 1024, boot: { kernel, initrd, commandLine } },
  { outputs: { com1 } },
);
machine.powerOn();
machine.resume();
const started = performance.now();
while (!found) {
  const seen = machine.parts.events.wakes;
  const end = machine.runSlice();
  if (end === 'stopped') throw new Error(`the machine stopped before ${line}: ${JSON.stringify(machine.stopReason)}`);
  if (end === 'idle') sleepIdle(machine, seen);
}
const seconds = (performance.now() - started) / 1000;
console.log(JSON.stringify({ instructions: Number(machine.instructions), seconds }));
machine.close();
