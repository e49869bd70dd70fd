// SPDX-License-Identifier: BSD-2-Clause
import { tsb1 } from '../../src/hypervisor/cpu-models/tsb-1.js';
import { compatibilityOf, incompatibilities } from '../../src/snapshot/compatibility.js';

const LAPIC_HZ = 1_000_000_000;
const WHOLE = { engine: 'soft', lapicHz: LAPIC_HZ, maskedCpuid: new Uint32Array() };
const CUT = { engine: 'kvm', lapicHz: LAPIC_HZ, maskedCpuid: Uint32Array.of(1, 0, 0, 0, 1 << 23, 0) };

test('engines that show the same processor exchange machines, whatever they are called', () => {
  const soft = compatibilityOf(tsb1, WHOLE);
  expect(incompatibilities(soft, compatibilityOf(tsb1, { ...WHOLE, engine: 'kvm' }))).toEqual([]);
  expect(incompatibilities(compatibilityOf(tsb1, CUT), compatibilityOf(tsb1, CUT))).toEqual([]);
});

test('what a host had to leave out of the model is a difference, in both directions', () => {
  const [whole, cut] = [compatibilityOf(tsb1, WHOLE), compatibilityOf(tsb1, CUT)];
  const less = `tsb-1 without CPUID 1h.0 ECX 0x00800000`;
  expect(incompatibilities(whole, cut)).toEqual([`cpuModel: saved with tsb-1, here ${less}`]);
  expect(incompatibilities(cut, whole)).toEqual([`cpuModel: saved with ${less}, here tsb-1`]);
});

test('each part that differs is named', () => {
  const here = compatibilityOf({ ...tsb1, tscHz: 2n }, { ...WHOLE, lapicHz: 3 });
  expect(incompatibilities(compatibilityOf(tsb1, WHOLE), here)).toEqual([
    `tscHz: saved with ${tsb1.tscHz}, here 2`,
    `lapicHz: saved with ${LAPIC_HZ}, here 3`,
  ]);
});
