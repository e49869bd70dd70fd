// SPDX-License-Identifier: BSD-2-Clause
/** `-r`: the machine comes from a snapshot, what surrounds it from the command line. */
import { basename, dirname } from 'node:path';
import type { KernelBoot } from '../machine/config.js';
import { configFromRecord } from '../snapshot/config-record.js';
import { SnapshotStore } from '../snapshot/store.js';
import type { ConfigTree } from './config-tree.js';
import { refuseContradictions } from './contradictions.js';
import { requireReadableFile } from './files.js';
import { type Settings, surroundings } from './settings.js';
import { storeFolder } from './store-folder.js';

/** `place` is a name in the store, or a path to a snapshot's folder in any store. */
export function resumeSettings(tree: ConfigTree, place: string): Settings {
  const isPath = place.includes('/');
  const store = isPath ? dirname(place) : storeFolder(tree);
  const name = isPath ? basename(place) : place;
  const saved = configFromRecord(new SnapshotStore(store).open(name).manifest.machine);
  refuseContradictions(tree, name, saved);
  const overrides = { name: tree.get('name') ?? saved.name, boot: bootAgain(tree, saved.boot) };
  const machine = { ...saved, ...overrides };
  const keep = tree.bool('snapshot.keep', false);
  return { ...surroundings(tree, machine), resume: { store, name, keep, overrides } };
}

/** What a reset of the guest boots: files may have moved since the snapshot was made. */
function bootAgain(tree: ConfigTree, saved: KernelBoot | null): KernelBoot | null {
  const kernel = tree.get('boot.kernel');
  const initrd = tree.get('boot.initrd');
  const commandLine = tree.get('boot.append');
  if (kernel !== undefined) requireReadableFile('--kernel', kernel);
  if (initrd !== undefined) requireReadableFile('--initrd', initrd);
  const boot = kernel === undefined ? saved : { commandLine: '', ...saved, kernel };
  if (boot === null) return null;
  return { ...boot, ...(initrd !== undefined && { initrd }), ...(commandLine !== undefined && { commandLine }) };
}
