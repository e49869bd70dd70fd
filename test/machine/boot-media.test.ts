// SPDX-License-Identifier: BSD-2-Clause
import { VM_GENERATION_ID } from '../../src/boot/memory-map.js';
import { FakeEngine } from '../../src/hypervisor/fake.js';
import { buildMachine } from '../../src/machine/build.js';
import { generationIdOf } from '../../src/machine/generation-id.js';
import { echoKernel } from '../support/echo-kernel.js';

const kernel = echoKernel();

function machineReading(readFile: (path: string) => Uint8Array) {
  return buildMachine(
    {
      memory: 2 * 1024 * 1024,
      clock: { kind: 'virtual', numerator: 1, denominator: 1 },
      boot: { kernel: 'kernel', commandLine: '' },
    },
    { openEngine: (options) => new FakeEngine(options, function* () {}), readFile },
  );
}

test('files are read when the machine is built, and again for each reset', () => {
  const read: string[] = [];
  const machine = machineReading((path) => {
    read.push(path);
    return kernel;
  });
  expect(read).toEqual(['kernel']);
  machine.powerOn();
  expect(read).toEqual(['kernel']);
  const { memory, vcpu } = machine.parts.engine;
  const loaded = memory.read(0x10_0000, 64);
  const msrs = vcpu.getMsrs();
  expect([...msrs]).toContain(0x2ffn); // IA32_MTRR_DEF_TYPE
  machine.resume();
  memory.fill(0x10_0000, 64, 0);
  machine.reset();
  expect(read).toEqual(['kernel', 'kernel']);
  expect(memory.read(0x10_0000, 64)).toEqual(loaded);
  machine.close();
});

test('the VM generation id belongs to the UUID, and a reset keeps a new one', () => {
  const machine = machineReading(() => kernel);
  const { parts } = machine;
  const inMemory = () => parts.engine.memory.read(VM_GENERATION_ID, 16);
  machine.powerOn();
  expect(inMemory()).toEqual(Uint8Array.from(generationIdOf(parts.config.uuid)));
  expect(generationIdOf('12345678-1234-1234-1234-123456789ABC')).toEqual(
    generationIdOf('12345678-1234-1234-1234-123456789abc'),
  );
  expect(generationIdOf('12345678-1234-1234-1234-123456789abd')).not.toEqual(
    generationIdOf('12345678-1234-1234-1234-123456789abc'),
  );
  machine.resume();
  parts.board.vmGeneration.renew(new Uint8Array(16).fill(9));
  machine.reset();
  expect(inMemory()).toEqual(new Uint8Array(16).fill(9));
  machine.close();
});

test('a file that is no kernel is refused before there is a machine', () => {
  expect(() => machineReading(() => new Uint8Array(4096))).toThrow(/^kernel: /);
});
