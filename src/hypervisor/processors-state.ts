// SPDX-License-Identifier: BSD-2-Clause
/** What a machine with several vCPUs has beside the first one's state: the others, and what belongs to all of them. */
import { blob, list } from '../core/state-fields.js';
import { nested, type StateOf, StateShape } from '../core/state-shape.js';
import type { Engine } from './hypervisor.js';
import { applyVcpus, captureVcpu, engineName, type VcpuState, vcpuShape } from './vcpu-state.js';

/** As max_vcpus in native/engine/engine.h. */
export const MAX_VCPUS = 16;
const SHARED_MAX = 1024;

const fields = {
  others: list(nested(vcpuShape), { max: MAX_VCPUS - 1, doc: 'all but the first, by APIC id' }),
  shared: blob({ max: SHARED_MAX, doc: 'what only the engine that wrote the private sections understands' }),
};

export const processorsShape = new StateShape('processors', 1, fields);
export type ProcessorsState = StateOf<typeof fields>;

/** All vCPUs must be at a safepoint. */
export function captureProcessors(engine: Engine): ProcessorsState {
  const [, ...others] = engine.vcpus;
  return { others: others.map((vcpu) => captureVcpu(engine, vcpu)), shared: engine.getShared() };
}

/** `first` is the state of the first vCPU. There must be as many as the engine has. */
export function applyProcessors(engine: Engine, first: VcpuState, { others, shared }: ProcessorsState): void {
  applyVcpus(engine, [first, ...others]);
  if (first.engine === engineName(engine)) engine.setShared(shared);
}
