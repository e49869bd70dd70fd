// SPDX-License-Identifier: BSD-2-Clause
/** Preflight: everything that would stop a restore, before anything is touched. */

import { closeSync } from 'node:fs';
import { machineConfig } from '../machine/config.js';
import { shapes } from '../machine/state-registry.js';
import type { Blocker } from './blocker.js';
import { checkForm, checkLoss } from './check-private.js';
import { processorBlockers } from './check-processor.js';
import { configFromRecord } from './config-record.js';
import { diskBlockers } from './disks/check-disks.js';
import { checkMemory } from './load-machine.js';
import type { Manifest } from './manifest.js';
import { type Overrides, overridden } from './overrides.js';
import { snapshotError } from './snapshot-error.js';
import { openLayer } from './snapshot-folder.js';
import type { SnapshotStore } from './store.js';
import { refuseSpent } from './suspend-use.js';

/** All blockers; none means that a restore can begin. Memory is compared with its digest by `verifySnapshot`. */
export function checkSnapshot(store: SnapshotStore, name: string, overrides: Overrides = {}): Blocker[] {
  const blockers: Blocker[] = [];
  const attempt = <T>(remedy: string, step: () => T): T | undefined => {
    try {
      return step();
    } catch (cause) {
      const { path, problem } = snapshotError(name, cause);
      blockers.push({ path, problem, remedy });
      return undefined;
    }
  };
  const snapshot = attempt('restore the folder from a copy', () => store.open(name));
  if (snapshot === undefined) return blockers;
  attempt('remove it', () => refuseSpent(snapshot));
  attempt('use a host with more memory', () => checkMemory(snapshot));
  const config = attempt('give another value with the override', () =>
    machineConfig(overridden(configFromRecord(snapshot.manifest.machine), overrides)),
  );
  if (config !== undefined) {
    const remedy = config.engine === 'soft' ? 'use the release that saved it' : 'go on with engine soft, or elsewhere';
    blockers.push(...(attempt(remedy, () => processorBlockers(snapshot, config)) ?? []));
  }
  const state = attempt('restore the folder from a copy', () => snapshot.readState());
  if (config !== undefined && state !== undefined) {
    blockers.push(...(attempt('restore the folder from a copy', () => diskBlockers(snapshot, config, state)) ?? []));
    attempt('go on with the engine that saved it', () => checkLoss(state, config));
    // Where there is no such engine at all, that has been told.
    if (blockers.length === 0) attempt('go on with the FreeBSD that saved it', () => checkForm(state, config));
  }
  const chain = attempt('bring its parents into this store', () => store.chain(snapshot)) ?? [snapshot];
  for (const layer of chain) attempt('restore the folder from a copy', () => closeSync(openLayer(layer).fd));
  return [...blockers, ...deviceBlockers(snapshot.name, snapshot.manifest.devices)];
}

function deviceBlockers(name: string, devices: Manifest['devices']): Blocker[] {
  const known = new Map(shapes.map((shape) => [shape.kind, shape.describe()]));
  return devices.flatMap(({ id, kind, version }) => {
    const path = `${name}: ${id}`;
    const remedy = 'use the release that saved it';
    const shape = known.get(kind);
    if (shape === undefined) return [{ path, problem: `no device of kind ${kind} is known`, remedy }];
    if (version >= shape.oldest && version <= shape.version) return [];
    const problem = `saved as version ${version} of ${kind}; expected ${shape.oldest} to ${shape.version}`;
    return [{ path, problem, remedy }];
  });
}
