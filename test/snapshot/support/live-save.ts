// SPDX-License-Identifier: BSD-2-Clause
import type { Machine } from '../../../src/machine/machine.js';
import { type Saved, type SaveOptions, saveSteps } from '../../../src/snapshot/save-machine.js';
import { StepRunner } from '../../../src/snapshot/steps.js';
import type { SnapshotStore } from '../../../src/snapshot/store.js';

/** VM time that passes, at least, for each thing the save waits for. */
const SLICE = 10_007n;

/** Saves a machine that runs meanwhile, as its thread does. `between` is called after each slice. */
export function saveLive(
  machine: Machine,
  store: SnapshotStore,
  name: string,
  options: SaveOptions = {},
  between: (runner: StepRunner<Saved>) => void = () => {},
): Saved {
  machine.resume();
  const runner = new StepRunner(saveSteps(machine, store, name, { live: true, ...options }));
  for (let { pending } = runner; pending !== null; { pending } = runner) {
    if (machine.state === 'running') machine.runSlice(machine.time + SLICE);
    between(runner);
    if (pending.wait(machine.state === 'running' ? 0 : 20)) runner.advance();
  }
  return runner.result;
}
