// SPDX-License-Identifier: BSD-2-Clause
import type { CpuModel } from '../hypervisor/cpu-models/cpu-model.js';
import { tsb1 } from '../hypervisor/cpu-models/tsb-1.js';
import { ConfigError } from './config-error.js';

const MODELS: readonly CpuModel[] = [tsb1];

export function cpuModel(name: string): CpuModel {
  const model = MODELS.find((candidate) => candidate.name === name);
  if (model === undefined) {
    const known = MODELS.map((candidate) => candidate.name).join(', ');
    throw new ConfigError('cpuModel', `unknown model "${name}"; accepted are ${known}`);
  }
  return model;
}
