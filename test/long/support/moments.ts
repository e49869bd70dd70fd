// SPDX-License-Identifier: BSD-2-Clause
/** Finds the moments at which saving is hardest, in small steps from wherever the machine is. */
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
  'fault', // in the handler of a page fault
  'interrupt', // an interrupt is in service
  'shadow', // interrupts are on from the next instruction but one
  'string', // between two rounds of a REP instruction
  'halt',
  'timer', // halted, one nanosecond before the timer of the local APIC
  'serial', // an access to COM1 was the last exit
  'serial interrupt', // COM1 interrupted, and has just told why
] as const;
export type Moment = (typeof MOMENTS)[number];

export const COM1 = 0x3f8;
export const COM1_IIR = 0x3fa;

const HALTED = 1n;

interface Search {
  /** Nanoseconds: an instruction takes one. */
  readonly step: bigint;
  readonly steps: number;
  readonly watch: (machine: Machine) => () => boolean;
}

const SEARCHES: Readonly<Record<Exclude<Moment, 'anywhere'>, Search>> = {
  fault: { step: 50n, steps: 20_000, watch: faultWatch },
  interrupt: {
    step: 1n,
    steps: 20_000,
    watch: (machine) => {
      const { engine } = machine.parts;
      const { vcpu } = engine;
      runTo(machine, engine.nextDeadline());
      const [from, to] = [lapicIndex('in_service'), lapicIndex('trigger_mode')];
      return () =>
        vcpu
          .getLapic()
          .subarray(from, to)
          .some((word) => word !== 0n);
    },
  },
  shadow: {
    step: 1n,
    steps: 200_000,
    watch: (machine) => {
      // Woken by its timer, an idle kernel soon comes to its next STI and HLT.
      runTo(machine, machine.parts.engine.nextDeadline());
      return () => register(machine, 'interrupt_shadow') !== 0n;
    },
  },
  string: { step: 1n, steps: 200_000, watch: stringWatch },
  halt: { step: 20_000n, steps: 100, watch: haltWatch },
  timer: { step: 20_000n, steps: 100, watch: haltWatch },
  serial: {
    step: 4n,
    steps: 250_000,
    watch: (machine) => () => lastAddress(machine) >= COM1 && lastAddress(machine) < COM1 + 8,
  },
  'serial interrupt': { step: 4n, steps: 250_000, watch: (machine) => () => lastAddress(machine) === COM1_IIR },
};

/** Runs to the next moment of this kind, and tells whether it found one or gave up. */
export function runToMoment(machine: Machine, moment: Moment): boolean {
  if (moment === 'anywhere') return true;
  const { step, steps, watch } = SEARCHES[moment];
  const arrived = watch(machine);
  for (let count = 0; count < steps; count += 1) {
    if (machine.stopReason !== null) return false;
    if (arrived()) return moment !== 'timer' || runToTimer(machine);
    machine.runSlice(machine.time + step);
  }
  return false;
}

/** From a halt to the instant before the timer, unless something else wakes the guest. */
function runToTimer(machine: Machine): boolean {
  const { engine } = machine.parts;
  const deadline = engine.nextDeadline();
  runTo(machine, deadline - 1n);
  return register(machine, 'run_state') === HALTED && engine.nextDeadline() === deadline;
}

function runTo(machine: Machine, time: bigint): void {
  if (time >= NEVER - 1n) return;
  while (machine.time < time && machine.runSlice(time) === 'ran');
}

function faultWatch(machine: Machine): () => boolean {
  const before = register(machine, 'cr2');
  return () => register(machine, 'cr2') !== before;
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

function haltWatch(machine: Machine): () => boolean {
  return () => register(machine, 'run_state') === HALTED;
}

function lastAddress({ parts }: Machine): number {
  return parts.engine.vcpu.slot.address;
}

export function register({ parts }: Machine, name: RegisterName): bigint {
  const values = new BigUint64Array(REGISTER_COUNT);
  parts.engine.vcpu.getRegisters(RegisterGroup.All, values);
  return values[registerIndex(name)] ?? 0n;
}
