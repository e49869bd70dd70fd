// SPDX-License-Identifier: BSD-2-Clause
/** What holds for engines with several vCPUs: how they run, start each other, and are told apart. */
import type { CborMap } from '../../src/core/cbor.js';
import { ExitKind, NEVER } from '../../src/hypervisor/exit.js';
import type { Engine } from '../../src/hypervisor/hypervisor.js';
import { applyProcessors, captureProcessors, processorsShape } from '../../src/hypervisor/processors-state.js';
import { captureVcpu, vcpuShape } from '../../src/hypervisor/vcpu-state.js';
import { Adders } from './adders.js';
import {
  nextExit,
  putHandler,
  register,
  registersOf,
  runOn,
  type SeenExit,
  setRegister,
  standStill,
  startAt,
  taken,
  testUnless,
  vcpuOf,
} from './engine-driving.js';
import { busy, VECTOR } from './engine-guests.js';
import type { EngineMaker } from './engine-state.contract.js';
import * as guests from './engine-vcpus-guests.js';

const { adding, awaiting, codePage, countingWithCs, ended, init, sleeping, spinning, startUp } = guests;

const MS = 1_000_000n;
const APIC = 0xfee00000;
const ALL = 0xff;
const WAITS_FOR_START = 2n;
/** Exits until something that others do must have happened. */
const MANY = 100_000;

/** What the handler of an interrupt writes. */
const taking = (vcpu: number): Partial<SeenExit> => ({ vcpu, kind: ExitKind.PortWrite, address: 0x3f8, data: 0x57 });

export function vcpusContract({ cold, wake, isVirtual, capabilities }: EngineMaker): void {
  const { engine: name, tellsHalt, chipset, dirtyLog } = capabilities;
  const testHalt = testUnless(tellsHalt ? null : `${name} does not tell halts`);
  const testController = testUnless(chipset === 'ts' ? null : `${name} has 8259s of its own`);
  const testLog = testUnless(dirtyLog ? null : `${name} has no dirty log`);
  const testVirtual = testUnless(isVirtual ? null : 'no two runs are equal under the real clock');

  /** A vCPU without code waits to be started. DS of the first is its local APIC where that is asked for. */
  function boot(codes: readonly (readonly number[] | null)[], { apicInDs = false } = {}): Engine {
    const engine = cold(busy, { vcpus: codes.length });
    putHandler(engine);
    codes.forEach((code, index) => {
      if (code === null) return;
      engine.memory.write(codePage(index) << 12, Uint8Array.from(code));
      startAt(vcpuOf(engine, index), codePage(index) << 12);
    });
    if (apicInDs) setRegister(engine.vcpu, 'ds_base', BigInt(APIC));
    engine.holdTime(false);
    return engine;
  }

  /** Where halts are not told it takes some time until all sleep. */
  function letSleep(engine: Engine): void {
    engine.vcpu.slot.deadline = engine.getTime() + MS;
    expect([ExitKind.Hlt, ExitKind.Deadline]).toContain(runOn(engine));
  }

  function sendTo(engine: Engine, vcpu: number): void {
    engine.sendMsi(APIC + (vcpu << 12), VECTOR);
  }

  test('the exits of several vCPUs come one at a time, and each takes its own answer', () => {
    new Adders([0, 1, 2]).runFor(boot([adding, adding, adding]), 10);
  });

  test('a safepoint brings all vCPUs between two instructions, and there they stay', () => {
    const engine = boot([adding, spinning, adding]);
    const adders = new Adders([0, 2]);
    adders.runFor(engine, 5);
    adders.standStill(engine);
    const before = engine.vcpus.map(registersOf);
    expect(engine.safepoint()).toBe(ExitKind.None);
    expect(engine.vcpus.map(registersOf)).toEqual(before);
    for (const index of adders.vcpus) {
      const vcpu = vcpuOf(engine, index);
      const hasToCount = [4n, 5n].includes(register(vcpu, 'rip') - BigInt(codePage(index) << 12));
      expect(register(vcpu, 'rcx')).toBe(BigInt((adders.heard[index] ?? 0) - Number(hasToCount)));
    }
    adders.runFor(engine, 5);
  });

  test('restored vCPUs go on where the saved ones were, each on its own way', () => {
    const original = boot([adding, adding, adding]);
    const adders = new Adders([0, 1, 2]);
    adders.runFor(original, 5);
    adders.standStill(original);
    original.holdTime(true);
    const copy = cold(busy, { vcpus: 3 });
    copy.memory.write(0, original.memory.read(0, 0x10000));
    const saved = stateOf(original);
    applyProcessors(copy, vcpuShape.load(saved.first), processorsShape.load(saved.rest));
    expect(copy.vcpus.map(registersOf)).toEqual(original.vcpus.map(registersOf));
    // A kernel's form of it has its clocks in it, which run on.
    if (chipset === 'ts') expect(stateOf(copy)).toEqual(saved);
    copy.holdTime(false);
    adders.runFor(copy, 5);
  });

  test('INIT and a start-up message start another vCPU, at the page that is named', () => {
    const engine = boot([[...init(1), ...startUp(1, codePage(1)), ...spinning], null, null], { apicInDs: true });
    engine.memory.write(codePage(1) << 12, Uint8Array.from(countingWithCs));
    const started = [nextExit(engine), nextExit(engine)];
    expect(started).toMatchObject([1, 2].map((count) => ({ vcpu: 1, data: (codePage(1) << 8) | count })));
    standStill(engine);
    expect(register(vcpuOf(engine, 1), 'cs_base')).toBe(BigInt(codePage(1) << 12));
    expect(engine.vcpus.map((vcpu) => register(vcpu, 'run_state'))).toEqual([0n, 0n, WAITS_FOR_START]);
  });

  test('a vCPU that runs takes no start-up message, unless INIT has come before', () => {
    const elsewhere = startUp(1, codePage(2));
    const code = [...elsewhere, ...awaiting, ...init(1), ...elsewhere, ...spinning];
    const engine = boot([code, countingWithCs], { apicInDs: true });
    engine.memory.write(codePage(2) << 12, Uint8Array.from(countingWithCs));
    const told: number[] = [];
    let isSent = false;
    for (let exits = 0; exits < MANY && told.filter((data) => data >> 8 !== 0).length < 3; exits += 1) {
      const { vcpu, data } = nextExit(engine);
      isSent ||= vcpu === 0;
      if (vcpu === 0) engine.vcpu.slot.data = Number(told.length >= 10);
      else if (isSent) told.push(data);
    }
    expect(told.slice(0, 10).filter((data) => data >> 8 !== 0)).toEqual([]);
    expect(told.slice(-3)).toEqual([1, 2, 3].map((count) => (codePage(2) << 8) | count));
  });

  test('an MSI reaches the vCPU that it is addressed to, and no other', () => {
    const engine = boot([sleeping, sleeping, sleeping]);
    for (const to of [1, 2, 0]) {
      letSleep(engine);
      sendTo(engine, to);
      expect(nextExit(engine)).toMatchObject(taking(to));
    }
    letSleep(engine);
  });

  test('an MSI to all reaches all', () => {
    const engine = boot([sleeping, sleeping, sleeping]);
    letSleep(engine);
    sendTo(engine, ALL);
    const seen = [nextExit(engine), nextExit(engine), nextExit(engine)].sort((a, b) => a.vcpu - b.vcpu);
    expect(seen).toMatchObject([0, 1, 2].map(taking));
  });

  test('an NMI reaches the vCPU that it is for', () => {
    const engine = boot([sleeping, sleeping, sleeping]);
    for (const to of [2, 0, 1]) {
      letSleep(engine);
      vcpuOf(engine, to).injectNmi();
      expect(nextExit(engine)).toMatchObject(taking(to));
    }
    letSleep(engine);
  });

  testController('an external interrupt goes to the first vCPU, whose LINT0 firmware has opened', () => {
    const engine = boot([sleeping, sleeping]);
    letSleep(engine);
    engine.setExternalInterrupt(true);
    expect(nextExit(engine)).toMatchObject({ vcpu: 0, kind: ExitKind.InterruptAcknowledge });
    engine.vcpu.slot.data = VECTOR;
    engine.setExternalInterrupt(false);
    expect(nextExit(engine)).toMatchObject(taking(0));
  });

  testHalt('a halt is told when all vCPUs wait, and not before', () => {
    const working = boot([sleeping, adding, null]);
    new Adders([1]).runFor(working, 10);
    const engine = boot([sleeping, ended, null]);
    expect(nextExit(engine)).toMatchObject({ kind: ExitKind.Hlt, detail: 0 });
    sendTo(engine, 0);
    expect(nextExit(engine)).toMatchObject(taking(0));
    expect(nextExit(engine)).toMatchObject({ kind: ExitKind.Hlt, detail: 0 });
    expect(nextExit(boot([ended, ended, null]))).toMatchObject({ kind: ExitKind.Hlt, detail: 1 });
  });

  test('a triple fault of any vCPU is the end of all', () => {
    const engine = boot([spinning, guests.faulting]);
    setRegister(vcpuOf(engine, 1), 'idtr_limit', 0n);
    expect(nextExit(engine).kind).toBe(ExitKind.Shutdown);
  });

  test('after a reset the first vCPU is at the reset vector, and the others wait to be started', () => {
    const engine = boot([spinning, countingWithCs, sleeping]);
    nextExit(engine);
    engine.holdTime(true);
    engine.reset();
    expect(engine.vcpus.map((vcpu) => register(vcpu, 'run_state'))).toEqual([0n, WAITS_FOR_START, WAITS_FOR_START]);
    expect(register(engine.vcpu, 'rip')).toBe(0xfff0n);
    expect(engine.vcpus.map((vcpu) => register(vcpu, 'rcx'))).toEqual([0n, 0n, 0n]);
  });

  test('wake ends the next run once, and a deadline the one after it, however busy all are', () => {
    const engine = boot([spinning, spinning, spinning]);
    wake(engine);
    engine.vcpu.slot.deadline = NEVER;
    expect(engine.run()).toBe(ExitKind.Woken);
    const deadline = engine.getTime() + MS;
    engine.vcpu.slot.deadline = deadline;
    expect(runOn(engine)).toBe(ExitKind.Deadline);
    expect(engine.getTime() >= deadline).toBe(true);
  });

  testLog('the dirty log has the pages that any of them wrote to', () => {
    const engine = boot([0, 1, 2].map(guests.storing));
    const client = engine.openDirtyLog();
    taken(engine, client);
    expect(nextExit(engine).kind).toBe(ExitKind.Hlt);
    expect(engine.safepoint()).toBe(ExitKind.None);
    expect(taken(engine, client)).toEqual([0, 1, 2].map((vcpu) => guests.storesTo(vcpu) >> 12));
    expect([0, 1, 2].map((vcpu) => engine.memory.readU16(guests.storesTo(vcpu)))).toEqual([1, 1, 1]);
  });

  testVirtual('VM time counts the instructions of all vCPUs', () => {
    const engine = boot([spinning, spinning, spinning]);
    engine.vcpu.slot.deadline = 100_000n;
    expect(runOn(engine)).toBe(ExitKind.Deadline);
    const counts = engine.vcpus.map((vcpu) => vcpu.instructions());
    expect(counts.reduce((sum, count) => sum + count)).toBe(100_000n);
    expect(counts.every((count) => count > 0n)).toBe(true);
  });

  testVirtual('equal machines have equal exits in the same order', () => {
    const [one, other] = [boot([adding, countingWithCs, spinning]), boot([adding, countingWithCs, spinning])];
    const exits = (engine: Engine): SeenExit[] => Array.from({ length: 50 }, () => nextExit(engine));
    expect(exits(one)).toEqual(exits(other));
  });
}

function stateOf(engine: Engine): { first: CborMap; rest: CborMap } {
  return {
    first: vcpuShape.save(captureVcpu(engine)),
    rest: processorsShape.save(captureProcessors(engine)),
  };
}
