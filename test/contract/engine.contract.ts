// SPDX-License-Identifier: BSD-2-Clause
/** What holds for every engine, and for the fake that stands in for them. */

import { cpuidWords } from '../../src/hypervisor/cpu-models/cpu-model.js';
import { tsb1 } from '../../src/hypervisor/cpu-models/tsb-1.js';
import { ExitKind, NEVER } from '../../src/hypervisor/exit.js';
import type { Capabilities, ClockMode, Engine, EngineOptions } from '../../src/hypervisor/hypervisor.js';
import { registerIndex } from '../../src/hypervisor/registers.js';
import { codeOf, enterRealMode, nextExit, registers, runOn } from './engine-driving.js';
import {
  busy,
  busyWithInterrupts,
  type ContractGuest,
  counting,
  echoing,
  halting,
  mapped,
  printing,
  VECTOR,
  waiting,
} from './engine-guests.js';
import { stateContract } from './engine-state.contract.js';
import { vcpusContract } from './engine-vcpus.contract.js';
import { vcpusStateContract } from './engine-vcpus-state.contract.js';

export interface EngineUnderTest {
  open(options: EngineOptions, guest: ContractGuest): Engine;
  wake(engine: Engine): void;
}

const REAL: ClockMode = { kind: 'real' };
const VIRTUAL: ClockMode = { kind: 'virtual', numerator: 1, denominator: 1 };
const MS = 1_000_000n;

const OPTIONS: EngineOptions = {
  memory: [{ base: 0, length: 0x10000 }],
  clock: REAL,
  tscHz: tsb1.tscHz,
  physicalAddressBits: tsb1.physicalAddressBits,
  cpuid: cpuidWords(tsb1),
};

/** What an engine cannot do it says in its capabilities, and the tests ask for no more than it says. */
export function engineContract(name: string, subject: EngineUnderTest): void {
  const capabilities = capabilitiesOf(subject);
  const { countsInstructions } = capabilities;
  clockContract(name, subject, REAL, capabilities);
  if (countsInstructions) {
    clockContract(name, subject, VIRTUAL, capabilities);
  } else {
    test(`${name} counts no instructions, and refuses the virtual clock`, () => {
      expect(() => subject.open({ ...OPTIONS, clock: VIRTUAL }, busy)).toThrow('virtual clock');
    });
  }
}

function capabilitiesOf(subject: EngineUnderTest): Capabilities {
  const engine = subject.open(OPTIONS, busy);
  engine.close();
  return engine.capabilities;
}

function clockContract(name: string, subject: EngineUnderTest, clock: ClockMode, capabilities: Capabilities): void {
  const isVirtual = clock.kind === 'virtual';
  const testVirtual = isVirtual ? test : test.skip;
  const testHalt = capabilities.tellsHalt ? test : test.skip;
  const testController = capabilities.chipset === 'ts' ? test : test.skip;

  describe(`${name}: engine contract, ${clock.kind} clock`, () => {
    const opened: Engine[] = [];
    afterEach(() => {
      for (const engine of opened.splice(0)) engine.close();
    });

    function cold(guest: ContractGuest, options: Partial<EngineOptions> = {}): Engine {
      const engine = subject.open({ ...OPTIONS, clock, ...options }, guest);
      opened.push(engine);
      return engine;
    }

    function boot(guest: ContractGuest, options: Partial<EngineOptions> = {}): Engine {
      const engine = cold(guest, options);
      enterRealMode(engine, guest);
      engine.holdTime(false);
      return engine;
    }

    const maker = { cold, boot, wake: (engine: Engine) => subject.wake(engine), isVirtual, capabilities };
    stateContract(maker);
    if (capabilities.maxVcpus > 1) {
      vcpusStateContract(maker);
      vcpusContract(maker);
    } else {
      test.skip(`several vCPUs: skipped: ${name} has one`, () => {});
    }

    test('port writes come out one by one, and then the halt', () => {
      const engine = boot(printing);
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.PortWrite, address: 0x3f8, width: 1, data: 0x48 });
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.PortWrite, address: 0x3f8, width: 1, data: 0x69 });
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.Hlt, detail: 1 });
    });

    test('a port read takes its answer from the slot', () => {
      const engine = boot(echoing);
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.PortRead, address: 0x3e0, width: 2 });
      engine.vcpu.slot.data = 0xbeef;
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.PortWrite, address: 0x3e4, width: 2, data: 0xbeef });
    });

    test('accesses outside memory are MMIO', () => {
      const engine = boot(mapped);
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.MmioRead, address: 0xa0010, width: 1 });
      engine.vcpu.slot.data = 0x5a;
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.MmioWrite, address: 0xa0020, width: 2, data: 0x5a });
    });

    testHalt('a halted vCPU stays halted until an MSI arrives', () => {
      const engine = boot(waiting);
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.Hlt, detail: 0 });
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.Hlt, detail: 0 });
      engine.sendMsi(0xfee00000, VECTOR);
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.PortWrite, address: 0x3f8, data: 0x57 });
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.Hlt, detail: 1 });
    });

    test('an MSI reaches a vCPU', () => {
      const engine = boot(busyWithInterrupts);
      engine.vcpu.slot.deadline = engine.getTime() + MS;
      expect(runOn(engine)).toBe(ExitKind.Deadline);
      engine.sendMsi(0xfee00000, VECTOR);
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.PortWrite, address: 0x3f8, data: 0x57 });
    });

    testController('an external interrupt asks for its vector', () => {
      const engine = boot(waiting);
      expect(nextExit(engine).kind).toBe(ExitKind.Hlt);
      engine.setExternalInterrupt(true);
      expect(nextExit(engine).kind).toBe(ExitKind.InterruptAcknowledge);
      engine.vcpu.slot.data = VECTOR;
      engine.setExternalInterrupt(false);
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.PortWrite, data: 0x57 });
    });

    test('capabilities say whether equal runs give equal bits, and name what cannot be saved', () => {
      const { deterministic, missingFromSnapshot } = cold(busy).capabilities;
      expect(deterministic).toBe(isVirtual);
      expect(missingFromSnapshot).not.toMatch(/^\s|[\s,.]$/);
    });

    test('run ends at the deadline, and at once if that has passed', () => {
      const engine = boot(busy);
      const deadline = engine.getTime() + MS;
      engine.vcpu.slot.deadline = deadline;
      expect(runOn(engine)).toBe(ExitKind.Deadline);
      expect(engine.vcpu.slot.time >= deadline).toBe(true);
      expect(engine.run()).toBe(ExitKind.Deadline);
    });

    testHalt('time can be moved past a halt to the deadline', () => {
      const engine = boot(waiting);
      expect(nextExit(engine).kind).toBe(ExitKind.Hlt);
      const deadline = engine.getTime() + 1000n * MS;
      engine.setTime(deadline);
      engine.vcpu.slot.deadline = deadline;
      expect(runOn(engine)).toBe(ExitKind.Deadline);
    });

    testVirtual('run ends at the deadline to the instruction', () => {
      const engine = boot(busy);
      engine.vcpu.slot.deadline = 1000n;
      expect(runOn(engine)).toBe(ExitKind.Deadline);
      expect(engine.vcpu.slot.time).toBe(1000n);
      expect(engine.vcpu.slot.instructions).toBe(1000n);
      expect(engine.run()).toBe(ExitKind.Deadline);
      expect(engine.vcpu.instructions()).toBe(1000n);
    });

    testVirtual('a rate of the virtual clock counts from power-on without drift', () => {
      const engine = boot(busy, { clock: { kind: 'virtual', numerator: 2, denominator: 3 } });
      for (let deadline = 1n; deadline <= 20n; deadline += 1n) {
        engine.vcpu.slot.deadline = deadline;
        expect(runOn(engine)).toBe(ExitKind.Deadline);
        expect(engine.vcpu.instructions()).toBe((deadline * 3n + 1n) / 2n);
      }
    });

    test('without a deadline run returns after a while all the same', () => {
      const engine = boot(busy);
      engine.vcpu.slot.deadline = NEVER;
      expect(engine.run()).toBe(ExitKind.None);
      const { countsInstructions } = engine.capabilities;
      expect(engine.vcpu.instructions() > 0n).toBe(countsInstructions);
    });

    test('wake ends the next run once', () => {
      const engine = boot(busy);
      subject.wake(engine);
      engine.vcpu.slot.deadline = engine.getTime() + MS;
      expect(engine.run()).toBe(ExitKind.Woken);
      expect(runOn(engine)).toBe(ExitKind.Deadline);
    });

    test('a safepoint takes the answer and finishes the instruction, no more', () => {
      const engine = boot(echoing);
      expect(nextExit(engine).kind).toBe(ExitKind.PortRead);
      engine.vcpu.slot.data = 0x1234;
      const before = engine.vcpu.instructions();
      expect(engine.safepoint()).toBe(ExitKind.None);
      expect(engine.safepoint()).toBe(ExitKind.None);
      const { countsInstructions } = engine.capabilities;
      expect(engine.vcpu.instructions() - before).toBe(countsInstructions ? 1n : 0n);
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.PortWrite, data: 0x1234 });
    });

    test('time goes where it is set', () => {
      const engine = boot(busy);
      engine.holdTime(true);
      const time = engine.getTime() + 5_000n;
      engine.setTime(time);
      expect(engine.getTime()).toBe(time);
      engine.holdTime(false);
      engine.vcpu.slot.deadline = time + 10n;
      expect(runOn(engine)).toBe(ExitKind.Deadline);
      expect(engine.vcpu.slot.time >= time + 10n).toBe(true);
      if (isVirtual) expect(engine.vcpu.instructions()).toBe(10n);
    });

    testHalt('an NMI reaches a vCPU that has interrupts off', () => {
      const engine = boot(halting);
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.Hlt, detail: 1 });
      engine.vcpu.injectNmi();
      expect(nextExit(engine)).toMatchObject({ kind: ExitKind.PortWrite, data: 0x57 });
    });

    test('a reset leads back to the reset vector', () => {
      const engine = boot(counting);
      nextExit(engine);
      engine.holdTime(true);
      engine.reset();
      const values = registers(engine);
      expect(values[registerIndex('rip')]).toBe(0xfff0n);
      expect(values[registerIndex('cs_base')]).toBe(0xffff_0000n);
    });

    test('close works twice, and nothing else works after it', () => {
      const engine = boot(busy);
      engine.close();
      engine.close();
      for (const call of [() => engine.run(), () => engine.getTime(), () => engine.openDirtyLog()]) {
        expect(codeOf(call)).toBe('ERR_CLOSED');
      }
    });

    test('two machines at once do not notice each other', () => {
      const [a, b] = [boot(counting), boot(counting)];
      const values = [a, a, b, a, b, a].map((engine) => nextExit(engine).data);
      expect(values).toEqual([1, 2, 1, 3, 2, 4]);
    });
  });
}
