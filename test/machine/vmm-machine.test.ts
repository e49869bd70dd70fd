// SPDX-License-Identifier: BSD-2-Clause
/** Whole machines on vmm: the kernel's chipset interrupts the guest, and our devices do so through it. */
import { decode, encode } from '../../src/core/cbor.js';
import { wakeEngine } from '../../src/hypervisor/native.js';
import { buildMachine } from '../../src/machine/build.js';
import type { Machine } from '../../src/machine/machine.js';
import { copyMemory, loadTree, restoreMemory, saveTree } from '../../src/machine/machine-state.js';
import { runUntil, sleepIdle } from '../../src/machine/run.js';
import { echoKernel } from '../support/echo-kernel.js';
import { type InterruptController, type InterruptSource, loadTextGuest, TEXT } from '../support/text-guest.js';
import { vmmHere } from '../support/vmm-here.js';

/** Far more VM time than any of this takes. */
const LIMIT = 60_000_000_000n;
const PATHS: [InterruptSource, InterruptController][] = [
  ['uart', '8259'],
  ['uart', 'ioapic'],
  ['pit', '8259'],
  ['pit', 'ioapic'],
  ['hpet', 'ioapic'],
];

const vmm = vmmHere();
const testVmm = 'probe' in vmm ? test : test.skip;
if ('skipped' in vmm) test.skip(vmm.skipped, () => {});
const tscHz = 'probe' in vmm ? vmm.probe.tscHz : null;

let printed: number[] = [];
let machines: Machine[] = [];
let cut = 0;
beforeEach(() => {
  printed = [];
  machines = [];
});
afterEach(() => {
  for (const machine of machines) machine.close();
});

const text = () => Buffer.from(printed).toString('latin1');

function write(byte: number): void {
  printed.push(byte);
  const engine = machines.at(-1)?.parts.engine;
  if (printed.length === cut && engine !== undefined) wakeEngine(engine.id);
}

function build(kernel?: Uint8Array): Machine {
  const machine = buildMachine(
    { engine: 'vmm', tscHz, memory: 2 * 1024 * 1024, ...(kernel && { boot: { kernel: 'echo', commandLine: '' } }) },
    { outputs: { com1: { write } }, ...(kernel && { readFile: () => kernel }) },
  );
  machines.push(machine);
  return machine;
}

function runTo(machine: Machine, length: number): void {
  cut = length;
  while (printed.length < length && machine.time < LIMIT) {
    const seen = machine.parts.events.wakes;
    if (machine.runSlice(LIMIT) === 'idle') sleepIdle(machine, seen);
  }
  expect(printed).toHaveLength(length);
}

function runToEnd(machine: Machine): void {
  expect(runUntil(machine, LIMIT)).toBe('stopped');
  expect(machine.stopReason).toEqual({ kind: 'power-off' });
}

function moved(machine: Machine): Machine {
  machine.pause();
  const tree = encode(saveTree(machine));
  const memory = copyMemory(machine.parts.engine.memory);
  machine.close();
  const next = build();
  restoreMemory(next.parts.engine.memory, memory);
  loadTree(next, decode(tree));
  next.resume();
  return next;
}

testVmm('a Multiboot kernel greets, echoes what is typed and switches off', () => {
  const machine = build(echoKernel());
  machine.powerOn();
  machine.type('com1', Buffer.from('abcq'));
  machine.resume();
  runToEnd(machine);
  expect(text()).toBe('>abc');
});

testVmm.each(PATHS)('interrupts of the %s through the %s end the halt', (source, controller) => {
  const machine = build();
  loadTextGuest(machine, source, controller);
  machine.resume();
  runToEnd(machine);
  expect(text()).toBe(TEXT);
});

testVmm('an NMI reaches the guest', () => {
  const machine = build();
  loadTextGuest(machine, 'pit', 'ioapic');
  machine.resume();
  runTo(machine, 3);
  machine.injectNmi();
  runTo(machine, 4);
  expect(text()).toBe(`${TEXT.slice(0, 3)}!`);
  runToEnd(machine);
  expect(printed).toHaveLength(TEXT.length + 1);
});

// Not the 8254: the kernel does not set it going again.
const CONTINUED = PATHS.filter(([source]) => source !== 'pit');

testVmm.each(CONTINUED)('saved in memory and restored again and again, %s through %s', (source, controller) => {
  let machine = build();
  loadTextGuest(machine, source, controller);
  machine.resume();
  for (let length = 3; length < TEXT.length; length += 5) {
    runTo(machine, length);
    machine = moved(machine);
  }
  runToEnd(machine);
  expect(text()).toBe(TEXT);
});
