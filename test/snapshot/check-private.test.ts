// SPDX-License-Identifier: BSD-2-Clause
import type { CborMap } from '../../src/core/cbor.js';
import { openNativeEngine } from '../../src/hypervisor/native.js';
import { captureProcessors, processorsShape } from '../../src/hypervisor/processors-state.js';
import { captureVcpu, type VcpuState, vcpuShape } from '../../src/hypervisor/vcpu-state.js';
import { machineConfig } from '../../src/machine/config.js';
import { engineOptions } from '../../src/machine/engine-options.js';
import { checkForm, checkLoss } from '../../src/snapshot/check-private.js';
import { vmmHere } from '../support/vmm-here.js';

const vmm = vmmHere();
const testVmm = 'probe' in vmm ? test : test.skip;
if ('skipped' in vmm) test.skip(vmm.skipped, () => {});

const MEMORY = [{ base: 0, length: 0x10000 }];
type Change = (state: VcpuState, vcpu: number) => Partial<VcpuState>;

/** The state of a new machine of this engine, with each vCPU's changed. */
function saved(config: ReturnType<typeof machineConfig>, change: Change): CborMap {
  const engine = openNativeEngine(config.engine, engineOptions(config, MEMORY));
  try {
    engine.safepoint();
    const { others, shared } = captureProcessors(engine);
    const processors = { others: others.map((other, index) => ({ ...other, ...change(other, index + 1) })), shared };
    const first = captureVcpu(engine);
    const vcpu = vcpuShape.save({ ...first, ...change(first, 0) });
    return { vcpu, processors: processorsShape.save(processors), devices: {} };
  } finally {
    engine.close();
  }
}

test("another engine cannot take what kvm was delivering, whichever vCPU's it is", () => {
  const config = machineConfig({ engine: 'soft', cpus: 2 });
  const delivering = (by: number) =>
    saved(config, (_, vcpu) => ({ engine: 'kvm', private: vcpu === by ? Uint8Array.of(1) : new Uint8Array() }));
  for (const vcpu of [0, 1]) {
    expect(() => checkLoss(delivering(vcpu), config)).toThrow(
      'vcpu.private: an interrupt on its way to its handler, which only engine kvm can deliver',
    );
    expect(() => checkLoss(delivering(vcpu), { ...config, engine: 'kvm' })).not.toThrow();
  }
  expect(() => checkLoss(delivering(2), config)).not.toThrow();
});

testVmm('vmm takes what a kernel like its own has saved', () => {
  const tscHz = 'probe' in vmm ? vmm.probe.tscHz : null;
  const config = machineConfig({ engine: 'vmm', tscHz });
  const KERNEL = 12; // offset of its number in the header
  const newer: Change = (state) => ({ private: state.private.map((byte, at) => (at === KERNEL ? byte + 1 : byte)) });
  expect(() =>
    checkForm(
      saved(config, () => ({})),
      config,
    ),
  ).not.toThrow();
  expect(() => checkForm(saved(config, newer), config)).toThrow(/private section of vmm is of kernel 140\d+, here/);
});
