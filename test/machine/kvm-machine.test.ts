// SPDX-License-Identifier: BSD-2-Clause
/** Whole machines on kvm: our devices interrupt a guest that a processor of this host runs. On soft the same guests, so that they are known to be right. */
import { decode, encode } from '../../src/core/cbor.js';
import { buildMachine } from '../../src/machine/build.js';
import type { Machine } from '../../src/machine/machine.js';
import { copyMemory, loadTree, restoreMemory, saveTree } from '../../src/machine/machine-state.js';
import { runUntil } from '../../src/machine/run.js';
import { echoKernel } from '../support/echo-kernel.js';
import { kvmHere, kvmTscHz } from '../support/kvm-here.js';
import { type InterruptController, type InterruptSource, loadTextGuest, TEXT } from '../support/text-guest.js';

const MINUTE = 10_000_000_000n;
const kvm = kvmHere();
const engines: [string, bigint | null][] = [['soft', null]];
if ('probe' in kvm) engines.push(['kvm', kvmTscHz(kvm.probe)]);
else test.skip(kvm.skipped, () => {});

describe.each(engines)('on %s', (engine, tscHz) => {
  const built: Machine[] = [];
  afterEach(() => {
    for (const machine of built.splice(0)) machine.close();
  });

  function build(output: number[], kernel?: Uint8Array): Machine {
    const machine = buildMachine(
      { engine, tscHz, memory: 2 * 1024 * 1024, ...(kernel && { boot: { kernel: 'echo', commandLine: '' } }) },
      { outputs: { com1: { write: (byte) => output.push(byte) } }, ...(kernel && { readFile: () => kernel }) },
    );
    built.push(machine);
    return machine;
  }

  function textMachine(
    source: InterruptSource,
    controller: InterruptController,
  ): { machine: Machine; output: number[] } {
    const output: number[] = [];
    const machine = build(output);
    loadTextGuest(machine, source, controller);
    return { machine, output };
  }

  /** Runs until so much is written. */
  function runToLength(machine: Machine, output: readonly number[], length: number): void {
    while (output.length < length && machine.time < MINUTE) runUntil(machine, machine.time + 1_000_000n);
    expect(output.length).toBeGreaterThanOrEqual(length);
  }

  function runToEnd(machine: Machine): void {
    expect(runUntil(machine, MINUTE)).toBe('stopped');
    expect(machine.stopReason).toEqual({ kind: 'power-off' });
  }

  test('a Multiboot kernel greets, echoes what is typed and switches off', () => {
    const output: number[] = [];
    const machine = build(output, echoKernel());
    machine.powerOn();
    machine.type('com1', Buffer.from('abcq'));
    machine.resume();
    runToEnd(machine);
    expect(text(output)).toBe('>abc');
  });

  test.each<[InterruptSource, InterruptController]>([
    ['uart', '8259'],
    ['uart', 'ioapic'],
    ['pit', '8259'],
    ['pit', 'ioapic'],
    ['hpet', 'ioapic'],
  ])('interrupts of the %s through the %s end the halt', (source, controller) => {
    const { machine, output } = textMachine(source, controller);
    machine.resume();
    runToEnd(machine);
    expect(text(output)).toBe(TEXT);
  });

  test('time stands while the machine is paused, and it goes on where it was', () => {
    const { machine, output } = textMachine('pit', '8259');
    machine.resume();
    for (const length of [5, 10, 15]) {
      runToLength(machine, output, length);
      machine.pause();
      const { time } = machine;
      expect(machine.time).toBe(time);
      machine.resume();
    }
    runToEnd(machine);
    expect(text(output)).toBe(TEXT);
  });

  test('an NMI reaches the guest', () => {
    const { machine, output } = textMachine('pit', 'ioapic');
    machine.resume();
    runToLength(machine, output, 3);
    machine.injectNmi();
    runToEnd(machine);
    expect(text(output).replace('!', '')).toBe(TEXT);
    expect(text(output)).toContain('!');
  });

  test.each<[InterruptSource, InterruptController]>([
    ['uart', '8259'],
    ['uart', 'ioapic'],
    ['pit', '8259'],
    ['hpet', 'ioapic'],
  ])('saved in memory and restored again and again, %s through %s', (source, controller) => {
    const { machine: first, output } = textMachine(source, controller);
    let machine = first;
    machine.resume();
    for (let length = 4; length < TEXT.length; length += 8) {
      runToLength(machine, output, length);
      if (machine.state === 'stopped') break;
      machine.pause();
      const tree = encode(saveTree(machine));
      const memory = copyMemory(machine.parts.engine.memory);
      machine.close();
      machine = build(output);
      restoreMemory(machine.parts.engine.memory, memory);
      loadTree(machine, decode(tree));
      machine.resume();
    }
    if (machine.state !== 'stopped') runToEnd(machine);
    expect(text(output)).toBe(TEXT);
  });
});

function text(output: readonly number[]): string {
  return Buffer.from(output).toString('latin1');
}
