// SPDX-License-Identifier: BSD-2-Clause
import { buildMachine } from '../../src/machine/build.js';
import { type MachineConfig, machineConfig } from '../../src/machine/config.js';
import { ConfigError } from '../../src/machine/config-error.js';
import { cpuModel } from '../../src/machine/cpu-model.js';
import { layoutFor } from '../../src/machine/memory-layout.js';

test('defaults make a machine', () => {
  expect(machineConfig({})).toMatchObject({ cpus: 1, memory: 268_435_456, engine: 'soft', cpuModel: 'tsb-1' });
});

const virtualClock = { kind: 'virtual', numerator: 1, denominator: 1 } as const;
const bridge = { slot: 0, fn: 0, kind: 'hostbridge', options: {} };

test.each<[Partial<MachineConfig>, string]>([
  [{ name: '../etc' }, 'name: "../etc": 1 to 64 letters'],
  [{ uuid: '123' }, 'uuid: "123": expected 8-4-4-4-12'],
  [{ cpus: 17, clock: virtualClock }, 'cpus: 17: expected 1 to 16'],
  [{ cpus: 0 }, 'cpus: 0: expected 1 to 16'],
  [
    { cpus: 4, clock: virtualClock, topology: { sockets: 1, cores: 3, threads: 1 } },
    'topology: 1 sockets x 3 cores x 1 threads are not 4 vCPUs',
  ],
  [
    { cpus: 6, clock: virtualClock, topology: { sockets: 2, cores: 3, threads: 1 } },
    'topology: 3 vCPUs of a socket: expected a power of two',
  ],
  [
    { cpus: 6, clock: virtualClock, topology: { sockets: 1, cores: 2, threads: 3 } },
    'topology: 3 threads of a core: expected a power of two',
  ],
  [{ clock: { kind: 'virtual', numerator: 0, denominator: 1 } }, 'clock.numerator: 0: expected'],
  [{ clock: { kind: 'virtual', numerator: 1, denominator: 1.5 } }, 'clock.denominator: 1.5: expected'],
  [{ engine: 'abacus' }, 'engine: "abacus": unknown engine; accepted are soft, kvm'],
  [{ engine: 'vmm' }, 'engine: "vmm": needs FreeBSD; accepted are soft, kvm'],
  [{ engine: 'kvm', clock: { kind: 'virtual', numerator: 1, denominator: 1 } }, 'engine: "kvm": it does not count'],
  [{ tscHz: 5n }, 'tscHz: 5: expected 10000000 to 100000000000'],
  [{ pci: [{ ...bridge, slot: 32 }] }, 'pci[0].slot: 32: expected 0 to 31'],
  [{ pci: [{ ...bridge, fn: 8 }] }, 'pci[0].fn: 8: expected 0 to 7'],
  [{ pci: [bridge, { ...bridge, kind: 'lpc' }] }, 'pci[1]: lpc in 0:0:0, but hostbridge is there'],
  [{ pci: [{ ...bridge, bus: 256 }] }, 'pci[0].bus: 256: expected 0 to 255'],
  [{ pci: [{ ...bridge, bus: 1, kind: 'lpc' }] }, 'pci[0]: lpc in 1:0:0: expected on bus 0'],
])('%j is refused', (given, message) => {
  expect(() => machineConfig(given)).toThrow(ConfigError);
  expect(() => machineConfig(given)).toThrow(message);
});

test('memory sizes, CPU models and devices are refused by name', () => {
  expect(() => layoutFor(12_345)).toThrow(ConfigError);
  expect(() => cpuModel('z80')).toThrow('cpuModel: unknown model "z80"; accepted are tsb-1');
  const openEngine = () => {
    throw new Error('too far');
  };
  expect(() => buildMachine({ cpuModel: 'z80' }, { openEngine })).toThrow(ConfigError);
});
