// SPDX-License-Identifier: BSD-2-Clause
/** Whether a saved machine can go on with an engine of this host: what the engine is, not what it is called, decides. */
import { atTscRate } from '../hypervisor/cpu-models/tsc-rate.js';
import { chooseEngine } from '../hypervisor/engine-choice.js';
import type { Capabilities } from '../hypervisor/hypervisor.js';
import { openNativeEngine } from '../hypervisor/native.js';
import type { MachineConfig } from '../machine/config.js';
import { cpuModel } from '../machine/cpu-model.js';
import { engineOptions } from '../machine/engine-options.js';
import type { Blocker } from './blocker.js';
import { type Compatibility, compatibilityOf, incompatibilities } from './compatibility.js';
import { configFromRecord } from './config-record.js';
import { refusing } from './snapshot-error.js';
import type { SnapshotFolder } from './snapshot-folder.js';

/** Enough to open an engine. */
const SMALLEST_MEMORY = [{ base: 0, length: 0x1000 }];

/** Every part that differs; `config`: the machine that is to go on. Throws where there is no such engine. */
export function processorBlockers({ name, manifest }: SnapshotFolder, config: MachineConfig): Blocker[] {
  const saved = configFromRecord(manifest.machine).engine;
  const remedy = config.engine === saved ? 'use the release that saved it' : `go on with engine ${saved}`;
  const { compatibility, missing } = refusing(name, () => engineHere(config, saved, manifest.compatibility));
  const problems = incompatibilities(manifest.compatibility, compatibility);
  if (missing !== '') problems.push(`engine ${config.engine} cannot restore ${missing}`);
  return problems.map((problem) => ({ path: name, problem, remedy }));
}

interface Found {
  readonly compatibility: Compatibility;
  /** What the engine neither gives out nor takes in. */
  readonly missing: string;
}

function engineHere(config: MachineConfig, saved: string, { lapicHz }: Compatibility): Found {
  const modelOf = ({ cpuModel: name, tscHz }: MachineConfig) => atTscRate(cpuModel(name), tscHz);
  // It is the same program everywhere.
  if (config.engine === 'soft' && saved === 'soft') {
    return {
      compatibility: compatibilityOf(modelOf(config), { engine: 'soft', lapicHz, maskedCpuid: new Uint32Array() }),
      missing: '',
    };
  }
  const { tscHz } = chooseEngine(config.engine, config.clock);
  const closest = tscHz === null || canOpen(config) ? config : { ...config, tscHz };
  const capabilities = capabilitiesOf(closest);
  return { compatibility: compatibilityOf(modelOf(closest), capabilities), missing: capabilities.missingFromSnapshot };
}

/** As it is, with the rate of the guest's TSC. Else that is one of the things that differ here. */
function canOpen(config: MachineConfig): boolean {
  try {
    capabilitiesOf(config);
    return true;
  } catch {
    return false;
  }
}

/** Throws where there is no such engine. */
function capabilitiesOf(config: MachineConfig): Capabilities {
  const engine = openNativeEngine(config.engine, engineOptions(config, SMALLEST_MEMORY));
  engine.close();
  return engine.capabilities;
}
