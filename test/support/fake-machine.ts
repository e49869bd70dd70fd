// SPDX-License-Identifier: BSD-2-Clause
import { SinkLogger } from '../../src/core/log.js';
import { FakeEngine } from '../../src/hypervisor/fake.js';
import type { FakeGuest } from '../../src/hypervisor/fake-guest.js';
import { buildMachine } from '../../src/machine/build.js';
import type { MachineConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';

/** A machine whose processor is a script, with everything that it said. */
export interface FakeMachine {
  readonly machine: Machine;
  readonly engine: FakeEngine;
  readonly log: string[];
  /** Bytes written to COM1. */
  readonly output: number[];
}

export function fakeMachine(guest: FakeGuest, config: Partial<MachineConfig> = {}): FakeMachine {
  const log: string[] = [];
  const output: number[] = [];
  const engines: FakeEngine[] = [];
  const machine = buildMachine(
    { memory: 2 * 1024 * 1024, clock: { kind: 'virtual', numerator: 1, denominator: 1 }, ...config },
    {
      openEngine: (options) => {
        const engine = new FakeEngine(options, guest);
        engines.push(engine);
        return engine;
      },
      log: new SinkLogger((level, _scope, message) => log.push(`${level} ${message}`)),
      outputs: { com1: { write: (byte) => output.push(byte) } },
      hashExits: true,
    },
  );
  const [engine] = engines;
  if (engine === undefined) throw new Error('no engine was opened');
  return { machine, engine, log, output };
}
