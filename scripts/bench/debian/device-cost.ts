// SPDX-License-Identifier: BSD-2-Clause
/**
 * Runs commands in Debian and prints what the host's processors did for each beside running the guest: node device-cost.js
 * REQUEST, as JSON. It is what all threads of the process used, less what the machine's used inside the engine or to sleep
 * while the guest is halted. QEMU's threads beside its vCPU do the same: they take requests from the ring too.
 */
import type { ExitKind } from '../../../src/hypervisor/exit.js';
import { buildMachine } from '../../../src/machine/build.js';
import type { PciDeviceConfig } from '../../../src/machine/config.js';
import { sleepIdle } from '../../../src/machine/run.js';
import { LOGIN } from '../../debian-image/debian-shell.js';
import { APPEND } from '../../debian-image/image.js';
import type { DebianDevices } from './debian-vm.js';
import { ThreadClock } from './thread-clock.js';

export interface CostRequest {
  readonly boot: { readonly kernel: string; readonly initrd: string };
  readonly root: string;
  readonly devices: DebianDevices;
  readonly prepare: string;
  readonly commands: readonly string[];
  /** File of the guest's for what a command prints: the console's work for that is not the device's. */
  readonly result: string;
}

export interface JobCost {
  /** Of the host's processors, in all. */
  readonly microseconds: number;
  readonly output: string;
}

const MEMORY = 1024 * 1024 * 1024;
const [BEGIN, END, TOLD] = ['COST-BEGINS', 'COST-ENDS', 'COST-TOLD'];
const PROMPT = '# ';

const { boot, root, devices, prepare, commands, result } = JSON.parse(process.argv[2] ?? '') as CostRequest;

function devicesUnderTest({ scratch, network = 'none' }: DebianDevices): PciDeviceConfig[] {
  const plugged: PciDeviceConfig[] = [];
  if (scratch !== undefined) plugged.push({ slot: 5, fn: 0, kind: 'virtio-blk', options: { path: scratch } });
  if (network !== 'none') {
    const options: Readonly<Record<string, string>> = network === 'user' ? { backend: 'slirp' } : { tap: network.tap };
    plugged.push({ slot: 6, fn: 0, kind: 'virtio-net', options });
  }
  return plugged;
}

/** Quotes keep the marks out of the echo. */
function measuredCommand(command: string): string {
  return `echo COST-""BEGINS; ${command} > ${result}; echo COST-""ENDS; cat ${result}; echo COST-""TOLD\n`;
}

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
    boot: { ...boot, commandLine: APPEND },
    pci: [
      { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
      { slot: 3, fn: 0, kind: 'virtio-blk', options: { path: root } },
      { slot: 31, fn: 0, kind: 'lpc', options: {} },
      ...devicesUnderTest(devices),
    ],
    scripts: {
      com1: [
        ...LOGIN,
        // Messages of the kernel would stand in the middle of what a command prints.
        { after: PROMPT, send: `dmesg -n 1; ${prepare}\n` },
        ...commands.map((command) => ({ after: PROMPT, send: measuredCommand(command) })),
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
engine.run = (): ExitKind => asTheVcpu(run);

function asTheVcpu<T>(work: () => T): T {
  const started = clock.microseconds();
  const result = work();
  inside += clock.microseconds() - started;
  runs += 1;
  return result;
}

/** Up to which the output has been used. */
let seen = 0;

/** What comes before it. */
function until(mark: string): string {
  // Looking through all of it at every slice would count as the device's work.
  let looked = seen;
  const find = (): number => {
    if (text.length === looked) return -1;
    const at = text.indexOf(mark, Math.max(seen, looked - mark.length));
    looked = text.length;
    return at;
  };
  for (let at = find(); ; at = find()) {
    if (at >= 0) {
      const before = text.slice(seen, at);
      seen = at + mark.length;
      return before;
    }
    const { wakes } = machine.parts.events;
    const end = machine.runSlice();
    if (end === 'stopped') throw new Error(`the machine stopped before ${mark}: ${JSON.stringify(machine.stopReason)}`);
    if (end === 'idle') asTheVcpu(() => sleepIdle(machine, wakes));
  }
}

function measure(): JobCost {
  until(BEGIN);
  const before = { cpu: process.cpuUsage(), inside, runs };
  until(END);
  const { user, system } = process.cpuUsage(before.cpu);
  // Of the two looks around a run, one look's time lies outside of what they measure.
  const looking = (runs - before.runs) * clock.costOfLook;
  const microseconds = user + system - (inside - before.inside) - looking;
  return { microseconds, output: until(TOLD) };
}

machine.powerOn();
machine.resume();
console.log(JSON.stringify(commands.map(measure)));
machine.close();
