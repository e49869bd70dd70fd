// SPDX-License-Identifier: BSD-2-Clause
/**
 * Runs a fio job in Debian and prints what the host's processors did for a request beside running the guest:
 * node device-cost.js KERNEL INITRD ROOT SCRATCH FIO. It is what all threads of the process used, less what the machine's
 * used inside the engine. QEMU's threads beside its vCPU do the same: they take requests from the ring too.
 */
import type { ExitKind } from '../../../src/hypervisor/exit.js';
import { buildMachine } from '../../../src/machine/build.js';
import { sleepIdle } from '../../../src/machine/run.js';
import { LOGIN } from '../../debian-image/debian-shell.js';
import { APPEND } from '../../debian-image/image.js';
import { fioResult } from './fio.js';
import { ThreadClock } from './thread-clock.js';

const MEMORY = 1024 * 1024 * 1024;
const [BEGIN, END] = ['FIO-BEGINS', 'FIO-ENDS'];

const [kernel = '', initrd = '', root = '', scratch = '', job = ''] = process.argv.slice(2);
let text = '';
const com1 = {
  write(byte: number): void {
    text += String.fromCharCode(byte);
  },
};
const machine = buildMachine(
  {
    engine: 'soft',
    memory: MEMORY,
    boot: { kernel, initrd, commandLine: APPEND },
    pci: [
      { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
      { slot: 3, fn: 0, kind: 'virtio-blk', options: { path: root } },
      { slot: 5, fn: 0, kind: 'virtio-blk', options: { path: scratch } },
      { slot: 31, fn: 0, kind: 'lpc', options: {} },
    ],
    scripts: {
      com1: [
        ...LOGIN,
        // Quotes keep the marks out of the echo.
        { after: '# ', send: `echo FIO-""BEGINS; ${job}; echo FIO-""ENDS\n` },
      ],
    },
  },
  { outputs: { com1 } },
);

const clock = new ThreadClock();
/** Microseconds. */
let inside = 0;
let runs = 0;
const { engine } = machine.parts;
const run = engine.run.bind(engine);
engine.run = (): ExitKind => {
  const started = clock.microseconds();
  const kind = run();
  inside += clock.microseconds() - started;
  runs += 1;
  return kind;
};

function until(mark: string): void {
  // Looking through all of it at every slice would count as the device's work.
  let looked = 0;
  const isThere = (): boolean => {
    if (text.length === looked) return false;
    looked = text.length;
    return text.includes(mark);
  };
  while (!isThere()) {
    const seen = machine.parts.events.wakes;
    const end = machine.runSlice();
    if (end === 'stopped') throw new Error(`the machine stopped before ${mark}: ${JSON.stringify(machine.stopReason)}`);
    if (end === 'idle') sleepIdle(machine, seen);
  }
}

machine.powerOn();
machine.resume();
until(BEGIN);
const before = { cpu: process.cpuUsage(), inside, runs };
until(END);
const { user, system } = process.cpuUsage(before.cpu);
// Of the two looks around a run, one look's time lies outside of what they measure.
const looking = (runs - before.runs) * clock.costOfLook;
const microseconds = user + system - (inside - before.inside) - looking;
const { requests } = fioResult(text.slice(text.indexOf(BEGIN), text.indexOf(END)));
console.log(JSON.stringify({ microseconds: microseconds / requests }));
machine.close();
