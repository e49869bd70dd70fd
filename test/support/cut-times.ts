// SPDX-License-Identifier: BSD-2-Clause
/** Where to cut a run in two: after every instruction, and while the guest is halted around everything that happens. */
import { REGISTER_COUNT, RegisterGroup, registerIndex } from '../../src/hypervisor/registers.js';
import type { Machine } from '../../src/machine/machine.js';
import type { Incoming } from './incoming.js';
import { type ProofSubject, reach } from './proof.js';

const RUNNING = 0n;
const LONG_HALT = 40n;
/** Halted for so many cuts: nothing wakes the guest before the next event. */
const HALTS = 3;

/** VM times, ascending, before `end` and before the guest ends the machine. The clock must give an instruction 1 ns. */
export function cutTimes(subject: ProofSubject, end: bigint): bigint[] {
  const machine = subject.build([], true);
  try {
    subject.start(machine);
    const cuts: bigint[] = [];
    let halts = 0;
    for (let time = 0n; time < end; ) {
      machine.resume();
      if (reach(machine, time, subject.inputs) !== 'limit') break;
      machine.pause();
      cuts.push(time);
      halts = isHalted(machine) ? halts + 1 : 0;
      if (halts < HALTS) {
        time += 1n;
      } else {
        const next = nextEvent(machine, subject.inputs);
        if (next === null) break;
        time += jump(next);
        halts = 0;
      }
    }
    return cuts;
  } finally {
    machine.close();
  }
}

/** Nanoseconds until something happens to a machine that is halted; null if nothing will. */
function nextEvent({ idleTime, time }: Machine, inputs: readonly Incoming[] = []): bigint | null {
  const [input] = inputs.filter((incoming) => incoming.time > time).map((incoming) => incoming.time - time);
  if (idleTime === null || input === undefined) return idleTime ?? input ?? null;
  return input < idleTime ? input : idleTime;
}

/** To the instant before the next event, by way of one in the middle of nowhere. */
function jump(idleTime: bigint): bigint {
  if (idleTime > LONG_HALT) return idleTime - LONG_HALT;
  return idleTime > 1n ? idleTime - 1n : 1n;
}

/** No processor runs. */
function isHalted({ parts }: Machine): boolean {
  const values = new BigUint64Array(REGISTER_COUNT);
  return parts.engine.vcpus.every((vcpu) => {
    vcpu.getRegisters(RegisterGroup.Events, values);
    return values[registerIndex('run_state')] !== RUNNING;
  });
}
