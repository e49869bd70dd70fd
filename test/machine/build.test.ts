// SPDX-License-Identifier: BSD-2-Clause
import { SinkLogger } from '../../src/core/log.js';
import { FakeEngine } from '../../src/hypervisor/fake.js';
import type { Engine, EngineOptions } from '../../src/hypervisor/hypervisor.js';
import { buildMachine } from '../../src/machine/build.js';

/** Of CPUID leaf 1 it has no POPCNT. */
function withoutPopcnt(options: EngineOptions): Engine {
  const engine = new FakeEngine(options, function* () {});
  const maskedCpuid = Uint32Array.of(1, 0, 0, 0, 1 << 23, 0);
  return Object.defineProperty(engine, 'capabilities', { value: { ...engine.capabilities, maskedCpuid } });
}

test('what the host lacks of the CPU model is told', () => {
  const log: string[] = [];
  const machine = buildMachine(
    { memory: 2 * 1024 * 1024 },
    {
      openEngine: withoutPopcnt,
      log: new SinkLogger((level, _, message) => log.push(`${level} ${message}`)),
    },
  );
  machine.close();
  expect(log).toEqual(['warn engine fake: this host lacks what CPU model tsb-1 has: CPUID 1h.0 ECX 0x00800000']);
});
