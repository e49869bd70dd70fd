// SPDX-License-Identifier: BSD-2-Clause
/** Finds the moments at which saving is hardest, a step at a time from wherever the machine is. */
import { shape as ioapicShape } from '../../../devices/isa/ioapic.js';
import { NEVER } from '../../../src/hypervisor/exit.js';
import {
  lapicIndex,
  REGISTER_COUNT,
  RegisterGroup,
  type RegisterName,
  registerIndex,
} from '../../../src/hypervisor/registers.js';
import type { Machine } from '../../../src/machine/machine.js';

export const MOMENTS = [
  'anywhere',
  'fault', // the first instruction of a page fault's handler
  'interrupt', // an interrupt is in service
  'shadow', // interrupts are on from the next instruction but one
  'string', // between two rounds of a REP instruction
  'halt',
  'timer', // halted, one nanosecond before the local APIC's timer
  'serial', // an access to COM1 was the last exit
  'serial interrupt', // COM1 asserts its line
] as const;
export type Moment = (typeof MOMENTS)[number];

const COM1 = 0x3f8;
const COM1_PIN = 4;
const MOST_STEPS = 100_000;
const INSTRUCTION = 1n;
/** Halts are long: other steps for those. */
const MOST_HALT_STEPS = 100;
const WHILE = 20_000n;
const HALTED = 1n;

/** Runs to the next moment of this kind, and tells whether it found one or gave up. */
export function runToMoment(machine: Machine, moment: Moment): boolean {
  if (moment === 'anywhere') return true;
  const isHalt = moment === 'halt' || moment === 'timer';
  const [most, step] = isHalt ? [MOST_HALT_STEPS, WHILE] : [MOST_STEPS, INSTRUCTION];
  const arrived = watch(machine, moment);
  for (let steps = 0; steps < most; steps += 1) {
    if (arrived()) return moment !== 'timer' || runToTimer(machine);
    if (machine.runSlice(machine.time + step) === 'stopped') return false;
  }
  return false;
}

/** From a halt to the instant before the timer, unless something else wakes the guest. */
function runToTimer(machine: Machine): boolean {
  const { vcpu } = machine.parts.engine;
  const deadline = vcpu.nextDeadline();
  if (deadline === NEVER || deadline <= machine.time) return false;
  for (let end = machine.runSlice(deadline - 1n); end === 'ran'; end = machine.runSlice(deadline - 1n));
  return register(machine, 'run_state') === HALTED && vcpu.nextDeadline() === deadline;
}

function watch(machine: Machine, moment: Exclude<Moment, 'anywhere'>): () => boolean {
  const { vcpu } = machine.parts.engine;
  const { slot } = vcpu;
  switch (moment) {
    case 'fault': {
      const before = register(machine, 'cr2');
      return () => register(machine, 'cr2') !== before;
    }
    case 'interrupt': {
      const [from, to] = [lapicIndex('in_service'), lapicIndex('trigger_mode')];
      return () =>
        vcpu
          .getLapic()
          .subarray(from, to)
          .some((word) => word !== 0n);
    }
    case 'shadow':
      return () => register(machine, 'interrupt_shadow') !== 0n;
    case 'string':
      return stringWatch(machine);
    case 'halt':
    case 'timer':
      return () => register(machine, 'run_state') === HALTED;
    case 'serial':
      return () => slot.address >= COM1 && slot.address < COM1 + 8;
    case 'serial interrupt':
      return () => ((ioapicLines(machine) >>> COM1_PIN) & 1) === 1;
  }
}

/** One round more, with the instruction still the same: between two of its rounds. */
function stringWatch(machine: Machine): () => boolean {
  let [rip, rcx] = [register(machine, 'rip'), register(machine, 'rcx')];
  return () => {
    const [ripBefore, rcxBefore] = [rip, rcx];
    [rip, rcx] = [register(machine, 'rip'), register(machine, 'rcx')];
    return rip === ripBefore && rcx !== rcxBefore && rcx !== 0n;
  };
}

function ioapicLines({ parts }: Machine): number {
  const { board } = parts;
  return ioapicShape.load(board.ioapic.serialize(), 'ioapic').lines;
}

function register({ parts }: Machine, name: RegisterName): bigint {
  const values = new BigUint64Array(REGISTER_COUNT);
  parts.engine.vcpu.getRegisters(RegisterGroup.All, values);
  return values[registerIndex(name)] ?? 0n;
}
