// SPDX-License-Identifier: BSD-2-Clause
/** Finds the moments at which saving is hardest, a step at a time from wherever the machine is. */
import { REGISTER_COUNT, RegisterGroup, type RegisterName, registerIndex } from '../../../src/hypervisor/registers.js';
import type { Machine } from '../../../src/machine/machine.js';

export const MOMENTS = ['anywhere', 'fault', 'shadow', 'halt', 'serial'] as const;
export type Moment = (typeof MOMENTS)[number];

const COM1 = 0x3f8;
const MOST_STEPS = 3000;
const INSTRUCTION = 1n;
const WHILE = 20_000n; // for halts, which are long

/** Runs to the next moment of this kind, or gives up after a while. */
export function runToMoment(machine: Machine, moment: Moment): void {
  if (moment === 'anywhere') return;
  const arrived = watch(machine, moment);
  for (let steps = 0; steps < MOST_STEPS && !arrived(); steps += 1) {
    if (machine.runSlice(machine.time + (moment === 'halt' ? WHILE : INSTRUCTION)) === 'stopped') return;
  }
}

function watch(machine: Machine, moment: Exclude<Moment, 'anywhere'>): () => boolean {
  const before = register(machine, 'cr2');
  switch (moment) {
    case 'fault':
      return () => register(machine, 'cr2') !== before;
    case 'shadow':
      return () => register(machine, 'interrupt_shadow') !== 0n;
    case 'halt':
      return () => register(machine, 'run_state') === 1n;
    case 'serial': {
      const { slot } = machine.parts.engine.vcpu;
      return () => slot.address >= COM1 && slot.address < COM1 + 8;
    }
  }
}

function register({ parts }: Machine, name: RegisterName): bigint {
  const values = new BigUint64Array(REGISTER_COUNT);
  parts.engine.vcpu.getRegisters(RegisterGroup.All, values);
  return values[registerIndex(name)] ?? 0n;
}
