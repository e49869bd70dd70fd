// SPDX-License-Identifier: BSD-2-Clause
/** What a manifest says about a machine, found in the machine. */
import { atTscRate } from '../hypervisor/cpu-models/tsc-rate.js';
import type { RamTransfer } from '../hypervisor/ram-job.js';
import { cpuModel } from '../machine/cpu-model.js';
import type { Machine } from '../machine/machine.js';
import { engineMemory, layoutFor } from '../machine/memory-layout.js';
import { type Compatibility, compatibilityOf } from './compatibility.js';
import type { ManifestBody } from './manifest.js';
import { SnapshotError } from './snapshot-error.js';

export function machineCompatibility({ parts: { config, engine } }: Machine): Compatibility {
  const model = atTscRate(cpuModel(config.cpuModel), config.tscHz);
  return compatibilityOf(model, engine.capabilities);
}

export function deviceList({ parts: { board } }: Machine): ManifestBody['devices'] {
  return board.devices.map(({ id, shape: { kind, version } }) => ({ id, kind, version }));
}

/** Lengths of the memory segments, as the engine was given them. */
export function segmentLengths(memory: number): number[] {
  return engineMemory(layoutFor(memory)).map(({ length }) => length);
}

/** Refuses by name what cannot be saved, before anything stops or is written. */
export function ramTransfer({ parts: { engine, board } }: Machine): RamTransfer {
  for (const device of board.devices) {
    const refusal = device.saveRefusal();
    if (refusal !== null) throw new SnapshotError(device.id, refusal);
  }
  const { engine: name, missingFromSnapshot } = engine.capabilities;
  if (missingFromSnapshot !== '') throw new SnapshotError(`engine ${name}`, `cannot save ${missingFromSnapshot}`);
  if (engine.ram === null) throw new SnapshotError(`engine ${name}`, 'has no memory that can go to a file');
  return engine.ram;
}
