// SPDX-License-Identifier: BSD-2-Clause
/** Where to cut a run in two: after every instruction, and while the guest is halted around everything that happens. */
import { registerIndex, REGISTER_COUNT, RegisterGroup } from '../../src/hypervisor/registers.js';
import type { Machine } from '../../src/machine/machine.js';
import { runUntil } from '../../src/machine/run.js';
import type { ProofSubject } from './proof.js';

const HALTED = 1n;
const LONG_HALT = 40n;
/** A guest that is still halted after so many cuts without an event to come will be so for ever. */
const RESTS = 3;

/** VM times, ascending, before `end` and before the guest ends the machine. The clock must give an instruction 1 ns. */
export function cutTimes(subject: ProofSubject, end: bigint): bigint[] {
  const machine = subject.build([], true);
  try {
    subject.start(machine);
    const cuts: bigint[] = [];
    for (let time = 0n, rests = 0; time < end && rests < RESTS; ) {
      machine.resume();
      if (runUntil(machine, time) !== 'limit') break;
      machine.pause();
      cuts.push(time);
      const next = step(machine);
      rests = next === null ? rests + 1 : 0;
      time += next ?? 1n;
    }
    return cuts;
  } finally {
    machine.close();
  }
}

/** In a halt: to the instant before the next event, by way of one in the middle of nowhere. Null when it is for ever. */
function step(machine: Machine): bigint | null {
  if (!isHalted(machine)) return 1n;
  const { idleTime } = machine;
  if (idleTime === null) return null;
  if (idleTime < 2n) return 1n;
  return idleTime > LONG_HALT ? idleTime - LONG_HALT : idleTime - 1n;
}

function isHalted({ parts }: Machine): boolean {
  const values = new BigUint64Array(REGISTER_COUNT);
  parts.engine.vcpu.getRegisters(RegisterGroup.Events, values);
  return values[registerIndex('run_state')] === HALTED;
}
