// SPDX-License-Identifier: BSD-2-Clause
import type { FakeGuest } from '../../src/hypervisor/fake-guest.js';
import { REGISTER_COUNT, REGISTER_ROWS, RegisterGroup, registerIndex } from '../../src/hypervisor/registers.js';
import { buildMachine } from '../../src/machine/build.js';
import { groupOf, machineStats, readProcessor, STATE_GROUPS } from '../../src/machine/inspect.js';
import type { Machine } from '../../src/machine/machine.js';
import { runUntil, runUntilStopped } from '../../src/machine/run.js';
import { ECHO_GUEST } from '../cli/support/echo-guest.js';
import { MS, tickMachine } from '../snapshot/support/tick-subject.js';
import { fakeMachine } from '../support/fake-machine.js';

test('every register is in one group, with the value that it has', () => {
  const machine = tickMachine(MS);
  const state = readProcessor(machine, STATE_GROUPS);
  for (const { name } of REGISTER_ROWS) {
    const group = groupOf(name);
    expect(typeof state[group ?? 'general']?.[name]).toBe('bigint');
  }
  expect(state.general?.rip).toBeGreaterThan(0n);
  expect(state.control?.cr0).toBe(0x6000_0010n); // the guest stays in real mode
  expect(state.lapic?.base).toBe(0xfee0_0900n);
  expect(state.lapic?.in_service).toHaveLength(8);
  expect(state.msrs?.['0x277']).toBe(0x0007_0406_0007_0406n); // IA32_PAT at reset
  expect(state.xsave?.area).toBeInstanceOf(Uint8Array);
  machine.close();
});

test('only groups that were asked for are read', () => {
  const machine = tickMachine(MS);
  const calls: number[] = [];
  const { vcpu } = machine.parts.engine;
  const getRegisters = vcpu.getRegisters.bind(vcpu);
  vcpu.getRegisters = (groups, values) => {
    calls.push(groups);
    getRegisters(groups, values);
  };
  expect(Object.keys(readProcessor(machine, ['general', 'debug']))).toEqual(['general', 'debug']);
  expect(Object.keys(readProcessor(machine, ['msrs']))).toEqual(['msrs']);
  expect(calls).toEqual([1 + 8]); // one call for all registers, none for MSRs alone
  machine.close();
});

test('looking at a running machine finishes its instruction, and changes nothing', () => {
  const run = (look: (machine: Machine) => void): string => {
    const boot = { kernel: 'echo', commandLine: '' };
    const machine = buildMachine(
      { memory: 2 * 1024 * 1024, clock: { kind: 'virtual', numerator: 1, denominator: 1 }, boot },
      { hashExits: true, readFile: () => ECHO_GUEST },
    );
    machine.powerOn();
    machine.resume();
    machine.runSlice(); // ends between a port read and its instruction's end
    look(machine);
    runUntil(machine, MS / 10n);
    const { hash } = machine.parts;
    machine.close();
    return String(hash?.digest());
  };
  const looked = run((machine) => {
    const before = machine.instructions;
    expect(readProcessor(machine, ['general']).general?.rip).toBe(0x10_0034n); // behind `in al,dx`
    expect(machine.instructions).toBe(before + 1n);
  });
  expect(looked).toBe(run(() => {}));
});

test('each vCPU has registers and counters of its own', () => {
  const clock = { kind: 'virtual', numerator: 1, denominator: 1 } as const;
  const machine = buildMachine({ memory: 2 * 1024 * 1024, clock, cpus: 2 });
  const starting = machine.parts.engine.vcpus[1];
  if (starting === undefined) throw new Error('there is one vCPU');
  const values = new BigUint64Array(REGISTER_COUNT);
  starting.getRegisters(RegisterGroup.General, values);
  values[registerIndex('rbx')] = 77n;
  starting.setRegisters(RegisterGroup.General, values);
  expect(readProcessor(machine, ['general'], 1).general?.rbx).toBe(77n);
  expect(readProcessor(machine, ['general']).general?.rbx).toBe(0n);
  expect(readProcessor(machine, ['events'], 1).events?.run_state).toBe(2n); // waits for SIPI
  expect(() => readProcessor(machine, ['general'], 2)).toThrow('vCPU 2: expected 0 to 1');
  expect(machineStats(machine).vcpus).toHaveLength(2);
  machine.close();
});

test('exits are counted by kind', () => {
  const guest: FakeGuest = function* () {
    yield { do: 'out', port: 0x80, value: 1, width: 1 };
    yield { do: 'out', port: 0x80, value: 2, width: 1 };
    yield { do: 'cli-hlt' };
  };
  const { machine } = fakeMachine(guest);
  machine.resume();
  runUntilStopped(machine);
  expect(machineStats(machine)).toMatchObject({
    memory: 2 * 1024 * 1024,
    instructions: 2n,
    vcpus: [{ instructions: 2n, exits: { PortWrite: 2, PortRead: 0, Hlt: 1 }, engine: {} }],
  });
});
