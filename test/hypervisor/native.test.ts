// SPDX-License-Identifier: BSD-2-Clause
import { loadAddon } from '../../src/hypervisor/addon.js';
import { openNativeEngine, wakeEngine } from '../../src/hypervisor/native.js';
import { LAPIC_ROWS, REGISTER_ROWS } from '../../src/hypervisor/registers.js';
import { engineContract } from '../contract/engine.contract.js';

test('the register and LAPIC rows are those of the addon', () => {
  const layout = loadAddon().layout();
  expect(REGISTER_ROWS.map(({ name, group }) => [name, group])).toEqual(layout.registers);
  expect(LAPIC_ROWS).toEqual(layout.lapic);
});

test('an engine that does not exist is refused by name', () => {
  const options = {
    memory: [],
    clock: { kind: 'real' as const },
    tscHz: 1n,
    physicalAddressBits: 40,
    cpuid: new Uint32Array(0),
  };
  expect(() => openNativeEngine('abacus', options)).toThrow(/abacus/);
});

test('waking a machine that does not exist is no error', () => {
  expect(wakeEngine(0xffff_ffff)).toBe(false);
});

engineContract('soft', {
  open: (options) => openNativeEngine('soft', options),
  wake: (engine) => wakeEngine(engine.id),
});
