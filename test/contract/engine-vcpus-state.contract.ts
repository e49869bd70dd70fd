// SPDX-License-Identifier: BSD-2-Clause
/** The state of several vCPUs, out and in: each has its own, and what an engine cannot take it refuses. */
import {
  applyProcessors,
  captureProcessors,
  MAX_VCPUS,
  processorsShape,
} from '../../src/hypervisor/processors-state.js';
import { LAPIC_ROW_COUNT, type LapicRowName, lapicIndex, RegisterGroup } from '../../src/hypervisor/registers.js';
import { captureVcpu } from '../../src/hypervisor/vcpu-state.js';
import { register, registersOf, setRegister, testUnless, vcpuOf } from './engine-driving.js';
import { busy } from './engine-guests.js';
import type { EngineMaker } from './engine-state.contract.js';

const VCPUS = 3;
const SYSENTER_EIP = 0x176n;
const KERNEL_GS_BASE = 0xc0000102n;
/** Of tsb-1: its CPUID leaf 1, EAX. */
const SIGNATURE = 0x106can;
const NO_MSR = 0x12345n;
const BOOTSTRAP = 1n << 8n;
/** In the FXSAVE format: FCW, XMM3; and behind it which components an XSAVE area has (SDM vol. 1, 10.5.1 and 13.4.2). */
const FCW = 0;
const XMM3 = 208;
const COMPONENTS = 512;

export function vcpusStateContract({ cold, capabilities }: EngineMaker): void {
  const isKernels = capabilities.chipset === 'kernel';
  const testMsrs = testUnless(isKernels ? `${capabilities.engine} has MSRs in the kernel's form only` : null);
  const testModel = testUnless(capabilities.cpuidSettable ? null : `${capabilities.engine} shows the host's processor`);
  const testExact = testUnless(isKernels ? `the kernel's form of ${capabilities.engine} has clocks that run on` : null);

  test('there are as many vCPUs as were asked for: the first runs, the others wait to be started', () => {
    const { vcpus, vcpu } = cold(busy, { vcpus: VCPUS });
    expect(vcpu).toBe(vcpus[0]);
    expect(vcpus.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(vcpus.map((one) => register(one, 'run_state'))).toEqual([0n, 2n, 2n]);
    expect(vcpus.map((one) => one.getLapic()[lapicIndex('id')])).toEqual([0n, 1n, 2n]);
    const base = vcpus.map((one) => one.getLapic()[lapicIndex('base')] ?? 0n);
    expect(base.map((value) => value & BOOTSTRAP)).toEqual([BOOTSTRAP, 0n, 0n]);
    for (const { slot, index } of vcpus) slot.data = 100 + index;
    expect(vcpus.map(({ slot }) => slot.data)).toEqual([100, 101, 102]);
  });

  testModel('each begins as a reset leaves it: EDX is its signature, FCW 40h', () => {
    const engine = cold(busy, { vcpus: VCPUS });
    const isAtReset = (): boolean[] =>
      engine.vcpus.map((vcpu) => register(vcpu, 'rdx') === SIGNATURE && vcpu.getXsave()[FCW] === 0x40);
    expect(isAtReset()).toEqual([true, true, true]);
    for (const vcpu of engine.vcpus) setRegister(vcpu, 'rdx', 1n);
    engine.reset();
    expect(isAtReset()).toEqual([true, true, true]);
  });

  test.each([0, MAX_VCPUS + 1])('%d vCPUs are refused', (vcpus) => {
    expect(() => cold(busy, { vcpus })).toThrow(`${vcpus} vCPUs: expected 1 to ${MAX_VCPUS}`);
  });

  test('registers of each vCPU are its own', () => {
    const { vcpus } = cold(busy, { vcpus: VCPUS });
    const wanted = vcpus.map((vcpu) => {
      for (const name of ['rbx', 'fs_base', 'cr2', 'dr1'] as const) setRegister(vcpu, name, 0x1000n * numberOf(vcpu));
      return registersOf(vcpu);
    });
    expect(vcpus.map(registersOf)).toEqual(wanted);
    expect(vcpus.map((vcpu) => register(vcpu, 'fs_base'))).toEqual([0x1000n, 0x2000n, 0x3000n]);
    const changed = wanted.map((values) => values.slice());
    changed[1]?.fill(7n, 0, 4);
    vcpus[1]?.setRegisters(RegisterGroup.General, changed[1] ?? new BigUint64Array());
    expect(vcpus.map(registersOf)).toEqual(changed);
  });

  test('local APICs are their own', () => {
    const { vcpus } = cold(busy, { vcpus: VCPUS });
    const wanted = vcpus.map((vcpu) => {
      const rows = vcpu.getLapic();
      const set = (name: LapicRowName, value: bigint, at = 0) => {
        rows[lapicIndex(name) + at] = value;
      };
      set('spurious', 0x1ffn);
      set('task_priority', 0x10n * numberOf(vcpu));
      set('logical_destination', 1n << (24n + numberOf(vcpu)));
      set('lvt', 0x10040n + numberOf(vcpu), 5);
      set('request', 1n << numberOf(vcpu), 3);
      vcpu.setLapic(rows);
      return rows;
    });
    expect(vcpus.map((vcpu) => vcpu.getLapic())).toEqual(wanted);
  });

  test('x87 and SSE registers are their own', () => {
    const { vcpus } = cold(busy, { vcpus: VCPUS });
    for (const vcpu of vcpus) {
      const image = vcpu.getXsave();
      image[FCW] = 0x7f - vcpu.index;
      image[XMM3] = 100 + vcpu.index;
      image[COMPONENTS] = 3;
      vcpu.setXsave(image);
    }
    const images = vcpus.map((vcpu) => vcpu.getXsave());
    expect(images.map((image) => [image[FCW], image[XMM3]])).toEqual([
      [0x7f, 100],
      [0x7e, 101],
      [0x7d, 102],
    ]);
  });

  testMsrs('MSRs are their own', () => {
    const { vcpus } = cold(busy, { vcpus: VCPUS });
    const others = vcpus.map((vcpu) => msrsOf(vcpu.getMsrs()));
    for (const vcpu of vcpus) {
      const value = 0xffff_8000_0000_0000n + numberOf(vcpu);
      vcpu.setMsrs(BigUint64Array.of(SYSENTER_EIP, numberOf(vcpu), KERNEL_GS_BASE, value));
      others[vcpu.index]?.set(SYSENTER_EIP, numberOf(vcpu)).set(KERNEL_GS_BASE, value);
    }
    expect(vcpus.map((vcpu) => msrsOf(vcpu.getMsrs()))).toEqual(others);
  });

  testExact('what was saved of several vCPUs is what another engine then has', () => {
    const original = cold(busy, { vcpus: VCPUS });
    for (const vcpu of original.vcpus) {
      setRegister(vcpu, 'r9', numberOf(vcpu));
      vcpu.setMsrs(BigUint64Array.of(SYSENTER_EIP, numberOf(vcpu)));
      const rows = vcpu.getLapic();
      rows[lapicIndex('spurious')] = 0x140n + numberOf(vcpu);
      vcpu.setLapic(rows);
    }
    original.setTime(123_456n);
    const [first, others] = [captureVcpu(original), processorsShape.save(captureProcessors(original))];
    const copy = cold(busy, { vcpus: VCPUS });
    applyProcessors(copy, first, processorsShape.load(others));
    expect(captureVcpu(copy)).toEqual(first);
    expect(processorsShape.save(captureProcessors(copy))).toEqual(others);
  });

  test('states of another number of vCPUs are refused', () => {
    const engine = cold(busy, { vcpus: VCPUS });
    const [first, { others, shared }] = [captureVcpu(engine), captureProcessors(engine)];
    const [second] = others;
    for (const wrong of [[], others.slice(1), [...others, ...(second === undefined ? [] : [second])]]) {
      const told = `expected ${VCPUS}, as this machine has them, got ${wrong.length + 1}`;
      expect(() => applyProcessors(engine, first, { others: wrong, shared })).toThrow(told);
    }
  });

  test('what a vCPU cannot take is refused, and leaves the others as they are', () => {
    const engine = cold(busy, { vcpus: VCPUS });
    const second = vcpuOf(engine, 1);
    const rest = [engine.vcpu, vcpuOf(engine, 2)];
    const before = rest.map((vcpu) => [registersOf(vcpu), vcpu.getLapic(), vcpu.getXsave()]);
    expect(() => setRegister(second, 'run_state', 9n)).toThrow(/run_state: (0x)?9/);
    expect(() => second.setLapic(new BigUint64Array(LAPIC_ROW_COUNT - 1))).toThrow(String(LAPIC_ROW_COUNT - 1));
    expect(() => second.setXsave(new Uint8Array(100))).toThrow('100');
    expect(() => second.setPrivate(Uint8Array.of(1, 2, 3))).toThrow('private section');
    expect(() => engine.setShared(Uint8Array.of(1, 2, 3))).toThrow('section');
    expect(rest.map((vcpu) => [registersOf(vcpu), vcpu.getLapic(), vcpu.getXsave()])).toEqual(before);
  });

  testMsrs('an MSR that there is not is refused', () => {
    const second = vcpuOf(cold(busy, { vcpus: VCPUS }), 1);
    expect(() => second.setMsrs(BigUint64Array.of(NO_MSR, 1n))).toThrow('MSR 0x12345');
  });
}

/** None is 0. */
function numberOf({ index }: { readonly index: number }): bigint {
  return BigInt(index + 1);
}

function msrsOf(pairs: BigUint64Array): Map<bigint, bigint> {
  const msrs = new Map<bigint, bigint>();
  for (let at = 0; at < pairs.length; at += 2) msrs.set(pairs[at] ?? 0n, pairs[at + 1] ?? 0n);
  return msrs;
}
