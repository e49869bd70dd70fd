// SPDX-License-Identifier: BSD-2-Clause
/** Whether what a saved machine's engine alone understands can be taken here. */
import { type CborValue, isMap } from '../core/cbor.js';
import { openNativeEngine } from '../hypervisor/native.js';
import { processorsShape } from '../hypervisor/processors-state.js';
import { refuseLoss, type VcpuState, vcpuShape } from '../hypervisor/vcpu-state.js';
import type { MachineConfig } from '../machine/config.js';
import { engineOptions } from '../machine/engine-options.js';

/** Enough to open an engine. */
const SMALLEST_MEMORY = [{ base: 0, length: 0x1000 }];

/** Throws where another engine would drop what a guest misses; `state` is a machine's. */
export function checkLoss(state: CborValue, { engine }: MachineConfig): void {
  for (const vcpu of vcpusOf(state)) refuseLoss(vcpu, engine);
}

/** Throws where the kernel has another form of it than the one that saved it, which the engine itself alone can tell. */
export function checkForm(state: CborValue, config: MachineConfig): void {
  const [first] = vcpusOf(state);
  if (config.engine !== 'vmm' || first?.engine !== 'vmm') return;
  const engine = openNativeEngine(config.engine, engineOptions(config, SMALLEST_MEMORY));
  try {
    engine.vcpu.setPrivate(first.private);
  } finally {
    engine.close();
  }
}

function vcpusOf(state: CborValue): VcpuState[] {
  const { vcpu = null, processors } = isMap(state) ? state : {};
  const others = processors === undefined ? [] : processorsShape.load(processors, 'processors').others;
  return [vcpuShape.load(vcpu, 'vcpu'), ...others];
}
