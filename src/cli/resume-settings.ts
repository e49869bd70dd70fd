// SPDX-License-Identifier: BSD-2-Clause
/** `-r`: the machine comes from a snapshot, what surrounds it from the command line. */
import { basename, dirname } from 'node:path';
import { GENERATION_BYTES } from '../../devices/acpi/vm-generation.js';
import { configFromRecord } from '../snapshot/config-record.js';
import { ADDRESSES, IDENTITIES } from '../snapshot/manifest.js';
import type { Identity } from '../snapshot/restoration.js';
import { SnapshotStore } from '../snapshot/store.js';
import { refuseSpent, roleOf } from '../snapshot/suspend-use.js';
import type { ConfigTree } from './config-tree.js';
import { refuseContradictions } from './contradictions.js';
import { restoreOverrides } from './restore-overrides.js';
import { type Settings, surroundings } from './settings.js';
import { storeFolder } from './store-folder.js';
import { UsageError } from './usage-error.js';

/** `place` is a name in the store, or a path to a snapshot's folder in any store. `draw` gives so many random bytes. */
export function resumeSettings(tree: ConfigTree, place: string, draw: (count: number) => Uint8Array): Settings {
  const isPath = place.includes('/');
  const store = isPath ? dirname(place) : storeFolder(tree);
  const name = isPath ? basename(place) : place;
  const snapshot = new SnapshotStore(store).open(name);
  refuseSpent(snapshot);
  const { manifest } = snapshot;
  const saved = configFromRecord(manifest.machine);
  const clone = tree.bool('snapshot.clone', false);
  refuseContradictions(tree, name, saved, clone ? ['uuid'] : []);
  const overrides = restoreOverrides(tree, name, manifest.machine);
  const keep = tree.bool('snapshot.keep', false);
  const identity = identityOf(tree, !clone && !keep && roleOf(snapshot) === 'suspend', clone, draw);
  const verify = tree.bool('snapshot.verify', false);
  const machine = { ...saved, ...overrides };
  return { ...surroundings(tree, machine), resume: { store, name, keep, overrides, identity, clone, verify } };
}

/** A suspend that its resume uses up goes on exactly once; anything else may run twice. */
function identityOf(tree: ConfigTree, isLast: boolean, clone: boolean, draw: (count: number) => Uint8Array): Identity {
  const word = tree.oneOf('snapshot.identity', IDENTITIES, isLast ? 'keep' : 'new');
  // A clone has another name, from which the addresses of its cards follow.
  const addresses = tree.oneOf('snapshot.mac', ADDRESSES, clone ? 'new' : 'keep');
  if (word === 'new') return { kind: 'new', generation: Uint8Array.from(draw(GENERATION_BYTES)), addresses };
  if (clone) throw new UsageError('snapshot.identity', "'keep' with --clone: a clone has an identity of its own: new");
  if (addresses === 'new')
    throw new UsageError('snapshot.mac', "'new' without a new identity; --identity new goes with it");
  return { kind: 'keep' };
}
