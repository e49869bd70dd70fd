// SPDX-License-Identifier: BSD-2-Clause
/**
 * Whole machines on kvm: our devices interrupt a guest that this host's processor runs. The same guests run on soft, so
 * that they are known to be right.
 */
import { decode, encode } from '../../src/core/cbor.js';
import { wakeEngine } from '../../src/hypervisor/native.js';
import { buildMachine } from '../../src/machine/build.js';
import type { Machine } from '../../src/machine/machine.js';
import { copyMemory, loadTree, restoreMemory, saveTree } from '../../src/machine/machine-state.js';
import { runUntil, sleepIdle } from '../../src/machine/run.js';
import { echoKernel } from '../support/echo-kernel.js';
import { kvmHere, kvmTscHz } from '../support/kvm-here.js';
import { type InterruptController, type InterruptSource, loadTextGuest, TEXT } from '../support/text-guest.js';

/** Far more VM time than any of this takes. */
const LIMIT = 10_000_000_000n;
const kvm = kvmHere();
const tscHz = 'probe' in kvm ? kvmTscHz(kvm.probe) : null;
const engines = 'probe' in kvm ? ['soft', 'kvm'] : ['soft'];
if ('skipped' in kvm) test.skip(kvm.skipped, () => {});

const PATHS: [InterruptSource, InterruptController][] = [
  ['uart', '8259'],
  ['uart', 'ioapic'],
  ['pit', '8259'],
  ['pit', 'ioapic'],
  ['hpet', 'ioapic'],
];

/** What machines one after the other write to COM1. When it is as long as `cut`, the running one leaves its vCPU. */
class Paper {
  private readonly bytes: number[] = [];
  private readonly machines: Machine[] = [];
  private cut = 0;

  build(engine: string, kernel?: Uint8Array): Machine {
    const machine = buildMachine(
      { engine, tscHz, memory: 2 * 1024 * 1024, ...(kernel && { boot: { kernel: 'echo', commandLine: '' } }) },
      { outputs: { com1: { write: (byte) => this.write(byte) } }, ...(kernel && { readFile: () => kernel }) },
    );
    this.machines.push(machine);
    return machine;
  }

  get text(): string {
    return Buffer.from(this.bytes).toString('latin1');
  }

  runTo(machine: Machine, length: number): void {
    this.cut = length;
    while (this.bytes.length < length && machine.time < LIMIT) {
      const seen = machine.parts.events.wakes;
      if (machine.runSlice(LIMIT) === 'idle') sleepIdle(machine, seen);
    }
    expect(this.bytes).toHaveLength(length);
  }

  close(): void {
    for (const machine of this.machines) machine.close();
  }

  private write(byte: number): void {
    this.bytes.push(byte);
    const engine = this.machines.at(-1)?.parts.engine;
    if (this.bytes.length === this.cut && engine !== undefined) wakeEngine(engine.id);
  }
}

let paper = new Paper();
beforeEach(() => {
  paper = new Paper();
});
afterEach(() => paper.close());

function runToEnd(machine: Machine): void {
  expect(runUntil(machine, LIMIT)).toBe('stopped');
  expect(machine.stopReason).toEqual({ kind: 'power-off' });
}

/** Saves the machine in memory, and lets another go on with it. */
function moved(machine: Machine, engine: string): Machine {
  machine.pause();
  const tree = encode(saveTree(machine));
  const memory = copyMemory(machine.parts.engine.memory);
  machine.close();
  const next = paper.build(engine);
  restoreMemory(next.parts.engine.memory, memory);
  loadTree(next, decode(tree));
  next.resume();
  return next;
}

describe.each(engines)('on %s', (engine) => {
  test('a Multiboot kernel greets, echoes what is typed and switches off', () => {
    const machine = paper.build(engine, echoKernel());
    machine.powerOn();
    machine.type('com1', Buffer.from('abcq'));
    machine.resume();
    runToEnd(machine);
    expect(paper.text).toBe('>abc');
  });

  test.each(PATHS)('interrupts of the %s through the %s end the halt', (source, controller) => {
    const machine = paper.build(engine);
    loadTextGuest(machine, source, controller);
    machine.resume();
    runToEnd(machine);
    expect(paper.text).toBe(TEXT);
  });

  test('time stands while the machine is paused, and it goes on where it was', () => {
    const machine = paper.build(engine);
    loadTextGuest(machine, 'pit', '8259');
    machine.resume();
    for (const length of [5, 10, 15]) {
      paper.runTo(machine, length);
      machine.pause();
      const { time } = machine;
      expect(machine.time).toBe(time);
      machine.resume();
    }
    runToEnd(machine);
    expect(paper.text).toBe(TEXT);
  });

  test('an NMI reaches the guest', () => {
    const machine = paper.build(engine);
    loadTextGuest(machine, 'pit', 'ioapic');
    machine.resume();
    paper.runTo(machine, 3);
    machine.injectNmi();
    paper.runTo(machine, 4);
    expect(paper.text).toBe(`${TEXT.slice(0, 3)}!`);
    runToEnd(machine);
    expect(paper.text).toHaveLength(TEXT.length + 1);
  });

  test.each(PATHS)('saved in memory and restored again and again, %s through %s', (source, controller) => {
    let machine = paper.build(engine);
    loadTextGuest(machine, source, controller);
    machine.resume();
    for (let length = 3; length < TEXT.length; length += 5) {
      paper.runTo(machine, length);
      machine = moved(machine, engine);
    }
    runToEnd(machine);
    expect(paper.text).toBe(TEXT);
  });
});

test.each(PATHS)('engines take over from each other, %s through %s', (source, controller) => {
  let machine = paper.build('soft');
  loadTextGuest(machine, source, controller);
  machine.resume();
  for (let moves = 1; moves < 8; moves += 1) {
    paper.runTo(machine, 5 * moves);
    machine = moved(machine, engines[moves % engines.length] ?? 'soft');
  }
  runToEnd(machine);
  expect(paper.text).toBe(TEXT);
});
