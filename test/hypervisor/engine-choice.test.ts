// SPDX-License-Identifier: BSD-2-Clause
import type { KvmProbe } from '../../src/hypervisor/addon.js';
import { chooseEngine, engineRefusal } from '../../src/hypervisor/engine-choice.js';
import type { ClockMode } from '../../src/hypervisor/hypervisor.js';
import { HypervisorError } from '../../src/hypervisor/hypervisor-error.js';

const REAL: ClockMode = { kind: 'real' };
const VIRTUAL: ClockMode = { kind: 'virtual', numerator: 1, denominator: 1 };

const NATIVE: KvmProbe = {
  available: true,
  reason: '',
  instructionsPerSecond: 9e8,
  tscHz: 2_100_000_000n,
  tscScalable: true,
};
const EMULATED: KvmProbe = {
  ...NATIVE,
  available: false,
  reason: '/dev/kvm emulates ring 0: 2000000 instructions a second',
  instructionsPerSecond: 2e6,
};
const ABSENT: KvmProbe = {
  available: false,
  reason: 'open: Permission denied (/dev/kvm)',
  instructionsPerSecond: 0,
  tscHz: 0n,
  tscScalable: false,
};

function unasked(): KvmProbe {
  throw new Error('the probe was run for nothing');
}

test('soft asks nobody', () => {
  expect(chooseEngine('soft', VIRTUAL, unasked)).toEqual({ engine: 'soft', tscHz: null, notice: null });
});

test.each<[string, KvmProbe, object]>([
  ['auto', NATIVE, { engine: 'kvm', tscHz: null, notice: null }],
  ['auto', EMULATED, { engine: 'soft', tscHz: null, notice: `engine soft: ${EMULATED.reason}` }],
  ['auto', ABSENT, { engine: 'soft', tscHz: null, notice: 'engine soft: open: Permission denied (/dev/kvm)' }],
  ['kvm', NATIVE, { engine: 'kvm', tscHz: null, notice: null }],
  ['kvm', { ...NATIVE, tscScalable: false }, { engine: 'kvm', tscHz: 2_100_000_000n, notice: null }],
])('%s on %j', (wanted, probe, choice) => {
  expect(chooseEngine(wanted, REAL, () => probe)).toEqual(choice);
});

test('kvm where ring 0 is emulated is had, with one line of warning', () => {
  const { engine, notice } = chooseEngine('kvm', REAL, () => EMULATED);
  expect(engine).toBe('kvm');
  expect(notice).toMatch(/^warning: engine kvm: \/dev\/kvm emulates ring 0: 2000000 .*soft does$/);
});

test('kvm where there is none is refused with the reason', () => {
  const choose = () => chooseEngine('kvm', REAL, () => ABSENT);
  expect(choose).toThrow(HypervisorError);
  expect(choose).toThrow(
    'engine kvm cannot be used here: open: Permission denied (/dev/kvm); engine soft runs everywhere',
  );
});

test('the virtual clock decides for soft, and refuses kvm', () => {
  expect(chooseEngine('auto', VIRTUAL, unasked).notice).toBe('engine soft: the virtual clock needs it');
  expect(() => chooseEngine('kvm', VIRTUAL, unasked)).toThrow('engine "kvm": it does not count instructions');
});

test('other names are refused with what is accepted', () => {
  expect(() => chooseEngine('abacus', REAL, unasked)).toThrow(
    '"abacus": unknown engine; accepted are soft, kvm, vmm, auto',
  );
  expect(engineRefusal('auto', REAL)).toBe('"auto": unknown engine; accepted are soft, kvm, vmm');
});

test('vmm has the TSC rate of its host', () => {
  const choice = chooseEngine('vmm', REAL, unasked, () => ({ reason: '', tscHz: 2_400_000_000n }));
  expect(choice).toEqual({ engine: 'vmm', tscHz: 2_400_000_000n, notice: null });
});

test('vmm where there is none is refused with the reason, and under the virtual clock', () => {
  const none = () => ({ reason: 'it needs FreeBSD', tscHz: 0n });
  const choose = () => chooseEngine('vmm', REAL, unasked, none);
  expect(choose).toThrow('engine vmm cannot be used here: it needs FreeBSD; engine soft runs everywhere');
  expect(() => chooseEngine('vmm', VIRTUAL, unasked, none)).toThrow('engine "vmm": it does not count instructions');
});
