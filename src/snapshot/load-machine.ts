// SPDX-License-Identifier: BSD-2-Clause
import { totalmem } from 'node:os';
import { verifyRam } from '../hypervisor/ram-files.js';
import { type BuildOptions, buildMachine } from '../machine/build.js';
import type { Machine } from '../machine/machine.js';
import { loadTree } from '../machine/machine-state.js';
import { incompatibilities } from './compatibility.js';
import { configFromRecord } from './config-record.js';
import { DiskRestore, type RestoreUse } from './disks/disk-restore.js';
import { type Trust, trustOf } from './host-identity.js';
import { hostTime } from './host-time.js';
import { machineCompatibility, ramTransfer, segmentLengths } from './machine-facts.js';
import type { Manifest } from './manifest.js';
import { type Overrides, overridden } from './overrides.js';
import { applyRestoration, type Identity, type RestorationChoices } from './restoration.js';
import { RestoreWatch, restoreWatch, watchRestore } from './restore-watch.js';
import { sharedBase } from './shared-base.js';
import { refusing, SnapshotError } from './snapshot-error.js';
import { type OpenLayer, ramLayer, type SnapshotFolder } from './snapshot-folder.js';
import { type Following, followJob } from './steps.js';
import type { SnapshotStore } from './store.js';
import { roleOf } from './suspend-use.js';
import { verifyRestored } from './verify-restored.js';

export interface LoadOptions extends Following {
  readonly overrides?: Overrides;
  /** The saved one's (keep), unless given. */
  readonly identity?: Identity;
  /** Host time in nanoseconds since 1970; now, unless given. */
  readonly now?: bigint;
  /** Several machines come from this snapshot: a chain is first made one file, whose pages they share. */
  readonly shared?: boolean;
  /** Reads everything back from the machine and compares it with the snapshot. */
  readonly verify?: boolean;
  /** What becomes of the snapshot and of its disks when the machine runs; any number may be made of it, unless given. */
  readonly use?: RestoreUse;
  readonly host?: Omit<BuildOptions, 'restored'>;
  /** Less trust than the snapshot has by itself: verify everything first. */
  readonly trust?: 'foreign';
}

export interface LoadedMachine {
  /** As it was saved, but for its identity and its real-time clock, and not yet running. */
  readonly machine: Machine;
  readonly snapshot: SnapshotFolder;
  readonly trust: Trust;
  /** To be polled while the machine runs; null if everything is verified. */
  readonly watch: RestoreWatch | null;
}

/** Builds a machine as a snapshot has it. Nothing in the store and of its disks is changed before its first instruction. */
export function loadMachine(store: SnapshotStore, name: string, options: LoadOptions = {}): LoadedMachine {
  const snapshot = store.open(name);
  checkMemory(snapshot);
  const trust = options.trust ?? trustOf(snapshot);
  const warn = (message: string): void => options.host?.log?.warn(`${name}: ${message}`);
  const state = snapshot.readState();
  const disks = new DiskRestore(snapshot, options.use ?? usualUse(snapshot));
  const config = disks.config(
    refusing(name, () => overridden(configFromRecord(snapshot.manifest.machine), options.overrides)),
  );
  const source = options.shared === true ? sharedBase(store, snapshot, options) : snapshot;
  return store.withLayers(source, (layers) => {
    const machine = refusing(name, () =>
      buildMachine(config, { ...options.host, diskOpening: (id, disk) => disks.opening(id, disk), restored: true }),
    );
    try {
      checkCompatible(snapshot, machine);
      disks.attach(machine);
      loadRam(machine, layers, trust, options);
      refusing(snapshot.label('state'), () => loadTree(machine, state));
      const watch = restoreWatch(machine);
      if (options.verify === true) verifyRestored(machine, name, state, layers);
      applyRestoration(machine, snapshot.manifest, choices(snapshot.manifest, options), warn);
      return { machine, snapshot, trust: watch === null ? 'foreign' : 'own', watch };
    } catch (error) {
      restoreWatch(machine)?.stop();
      machine.close();
      throw error;
    }
  });
}

/** Machines without a disk of a suspend's own can be made of it again and again. */
function usualUse(snapshot: SnapshotFolder): RestoreUse {
  return roleOf(snapshot) === 'suspend' && snapshot.manifest.disks.length > 0 ? 'keep' : 'again';
}

function choices(manifest: Manifest, options: LoadOptions): RestorationChoices {
  const { identity = { kind: 'keep' }, now = hostTime(), overrides } = options;
  return { identity, now, guestClock: overrides?.guestClock ?? manifest.clock.policy };
}

/** Memory has the size that a manifest says, so this comes before anything is built. */
export function checkMemory({ manifest: { machine, ram }, name }: SnapshotFolder): void {
  if (machine.memory > totalmem()) {
    throw new SnapshotError(name, `the machine has ${machine.memory} bytes of memory, this host ${totalmem()}`);
  }
  const expected = refusing(name, () => segmentLengths(machine.memory));
  if (String(expected) !== String(ram.segments)) {
    throw new SnapshotError(name, `memory in segments of ${ram.segments.join(', ')}: expected ${expected.join(', ')}`);
  }
}

function checkCompatible({ manifest, name }: SnapshotFolder, machine: Machine): void {
  const [first] = incompatibilities(manifest.compatibility, machineCompatibility(machine));
  if (first !== undefined) throw new SnapshotError(name, first);
}

/** The base first, then what each later layer changed. */
function loadRam(machine: Machine, layers: readonly OpenLayer[], trust: Trust, options: Following): void {
  const ram = ramTransfer(machine);
  const canMap = machine.parts.engine.capabilities.mapsFiles;
  const oldestFirst = [...layers].reverse();
  for (const [depth, layer] of oldestFirst.entries()) {
    if (depth === 0 && canMap && trust === 'own' && trustOf(layer.snapshot) === 'own') {
      mapLayer(machine, layer);
    } else {
      const { snapshot } = layer;
      followJob(ram.read(ramLayer(layer), snapshot.ramDigest), snapshot.label('ram'), options);
    }
  }
}

function mapLayer(machine: Machine, { snapshot, index, fd }: OpenLayer): void {
  const path = snapshot.label('ram');
  const ram = ramTransfer(machine);
  const damage = refusing(path, () => ram.map(fd));
  const verification = verifyRam(snapshot.manifest.ram.segments, fd, index.stored, snapshot.ramDigest);
  watchRestore(machine, new RestoreWatch(path, damage, verification));
}
