// SPDX-License-Identifier: BSD-2-Clause
/** The part of the engine contract that saving rests on: state out and in, the dirty log. */
import { ExitKind } from '../../src/hypervisor/exit.js';
import type { Capabilities, Engine, EngineOptions } from '../../src/hypervisor/hypervisor.js';
import { REGISTER_COUNT, RegisterGroup, registerIndex } from '../../src/hypervisor/registers.js';
import { applyVcpu, captureVcpu, vcpuShape } from '../../src/hypervisor/vcpu-state.js';
import { different, nextExit, registers, taken } from './engine-driving.js';
import { busy, CODE_BASE, type ContractGuest, counting, VECTOR, waiting } from './engine-guests.js';

/** It runs no code. */
const isScripted = ({ capabilities }: Engine): boolean => capabilities.engine === 'fake';

export interface EngineMaker {
  /** An engine that has not run; closed after the test. */
  readonly cold: (guest: ContractGuest, options?: Partial<EngineOptions>) => Engine;
  /** One that is about to run the guest. */
  readonly boot: (guest: ContractGuest) => Engine;
  /** From any thread. */
  readonly wake: (engine: Engine) => void;
  readonly isVirtual: boolean;
  readonly capabilities: Capabilities;
}

export function stateContract({ cold, boot, isVirtual, capabilities }: EngineMaker): void {
  const testLog = capabilities.dirtyLog ? test : test.skip;
  const testController = capabilities.chipset === 'ts' ? test : test.skip;

  test('registers go in and out in bulk, by groups', () => {
    const engine = cold(busy);
    const before = registers(engine);
    const changed = before.slice();
    changed[registerIndex('rbx')] = 0x0123_4567_89ab_cdefn;
    changed[registerIndex('fs_base')] = 0x7f00_0000_1000n;
    changed[registerIndex('cr2')] = 0xffff_8000_dead_b000n;
    changed[registerIndex('dr0')] = 0x1000n;
    engine.vcpu.setRegisters(RegisterGroup.General | RegisterGroup.Control, changed);
    const partly = registers(engine);
    expect(different(before, partly)).toEqual(['rbx', 'cr2']);
    engine.vcpu.setRegisters(RegisterGroup.All, changed);
    expect(registers(engine)).toEqual(changed);
  });

  test('groups that are not asked for are left alone', () => {
    const engine = cold(busy);
    const values = new BigUint64Array(REGISTER_COUNT).fill(7n);
    engine.vcpu.getRegisters(RegisterGroup.Segments, values);
    expect(values[registerIndex('rax')]).toBe(7n);
    expect(values[registerIndex('dr7')]).toBe(7n);
  });

  if (!capabilities.dirtyLog) {
    test('without a dirty log nobody can open one', () => {
      expect(() => cold(busy).openDirtyLog()).toThrow('does not tell which memory the guest has written');
    });
  }

  testLog('the dirty log serves each client by itself', () => {
    const engine = cold(busy, {
      memory: [
        { base: 0, length: 0x10000 },
        { base: 0x100000, length: 0x2000 },
      ],
    });
    const [first, second] = [engine.openDirtyLog(), engine.openDirtyLog()];
    expect(second).not.toBe(first);
    engine.memory.writeU8(0x2fff, 1);
    engine.memory.write(0x100ffe, Uint8Array.of(1, 2, 3, 4));
    expect(taken(engine, first)).toEqual([2, 16, 17]);
    expect(taken(engine, first)).toEqual([]);
    engine.memory.writeU8(0x5000, 1);
    expect(taken(engine, second)).toEqual([2, 5, 16, 17]);
    engine.closeDirtyLog(second);
    expect(engine.openDirtyLog()).toBe(second);
    expect(taken(engine, second)).toEqual([]);
  });

  testLog('pages that are given back are zeros, as if written: in the log, and as code', () => {
    const engine = boot(counting);
    const client = engine.openDirtyLog();
    expect(nextExit(engine).data).toBe(1);
    expect(engine.safepoint()).toBe(ExitKind.None);
    taken(engine, client);
    engine.memory.writeU8(0x5000, 1);
    engine.memory.discard(0x5000, 0x2000);
    expect(taken(engine, client)).toEqual([5, 6]);
    expect(engine.memory.readU8(0x5000)).toBe(0);
    expect(nextExit(engine).data).toBe(2);
    if (isScripted(engine)) return;
    expect(engine.safepoint()).toBe(ExitKind.None);
    engine.memory.discard(CODE_BASE, 0x1000);
    // ADD [BX+SI],AL over and over, from an even address and so up to the handler.
    const values = registers(engine);
    values[registerIndex('rip')] = BigInt(CODE_BASE);
    engine.vcpu.setRegisters(RegisterGroup.General, values);
    expect(nextExit(engine).data).toBe(0x57);
  });

  testController('an interrupt that was acknowledged just before a save reaches its handler after it', () => {
    const original = boot(waiting);
    expect(nextExit(original).kind).toBe(ExitKind.Hlt);
    original.setExternalInterrupt(true);
    expect(nextExit(original).kind).toBe(ExitKind.InterruptAcknowledge);
    original.vcpu.slot.data = VECTOR;
    original.setExternalInterrupt(false);
    expect(original.safepoint()).toBe(ExitKind.None);
    original.holdTime(true);
    const copy = cold(waiting);
    copy.memory.write(0, original.memory.read(0, 0x10000));
    applyVcpu(copy, captureVcpu(original));
    copy.holdTime(false);
    expect(nextExit(copy)).toMatchObject({ kind: ExitKind.PortWrite, data: 0x57 });
    expect(nextExit(copy)).toMatchObject({ kind: ExitKind.Hlt, detail: 1 });
  });

  test('a restored vCPU goes on where the saved one was', () => {
    const original = boot(counting);
    for (let exits = 0; exits < 5; exits += 1) nextExit(original);
    expect(original.safepoint()).toBe(ExitKind.None);
    original.holdTime(true);
    const saved = vcpuShape.save(captureVcpu(original));
    const copy = cold(counting);
    copy.memory.write(0, original.memory.read(0, 0x10000));
    applyVcpu(copy, vcpuShape.load(saved));
    // A kernel's form of it has its clocks in it, which run on.
    if (capabilities.chipset === 'ts') expect(vcpuShape.save(captureVcpu(copy))).toEqual(saved);
    expect(registers(copy)).toEqual(registers(original));
    original.holdTime(false);
    copy.holdTime(false);
    for (let exits = 0; exits < 5; exits += 1) {
      const [expected, seen] = [nextExit(original), nextExit(copy)];
      expect(seen).toEqual(isVirtual ? expected : { ...expected, time: seen.time });
    }
  });
}
