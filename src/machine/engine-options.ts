// SPDX-License-Identifier: BSD-2-Clause
import { cpuidWords } from '../hypervisor/cpu-models/cpu-model.js';
import { withTopology } from '../hypervisor/cpu-models/topology.js';
import { atTscRate } from '../hypervisor/cpu-models/tsc-rate.js';
import type { EngineMemory, EngineOptions } from '../hypervisor/hypervisor.js';
import { type MachineConfig, topologyOf } from './config.js';
import { cpuModel } from './cpu-model.js';

/** What an engine is told about a machine, with some memory. */
export function engineOptions(config: MachineConfig, memory: readonly EngineMemory[]): EngineOptions {
  const model = atTscRate(cpuModel(config.cpuModel), config.tscHz);
  return {
    memory,
    vcpus: config.cpus,
    clock: config.clock,
    tscHz: model.tscHz,
    physicalAddressBits: model.physicalAddressBits,
    cpuid: cpuidWords(withTopology(model, topologyOf(config))),
  };
}
