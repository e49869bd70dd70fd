// SPDX-License-Identifier: BSD-2-Clause
import { createHash, randomBytes } from 'node:crypto';
import { encode } from '../core/cbor.js';
import type { Machine } from '../machine/machine.js';
import { saveTree } from '../machine/machine-state.js';
import type { ChangeLog } from './change-log.js';
import { recordFromConfig } from './config-record.js';
import type { Draft } from './draft.js';
import { createFile, withFile, writeDurable } from './durable.js';
import { type Following, followJob } from './follow-job.js';
import { hostIdentity } from './host-identity.js';
import { hostTime } from './host-time.js';
import { deviceList, machineCompatibility, ramTransfer, segmentLengths } from './machine-facts.js';
import { encodeManifest, type ManifestBody } from './manifest.js';
import { countPages, encodeIndex } from './page-index.js';
import { producer } from './producer.js';
import { clockRecord, cloneRecord } from './restoration.js';
import { restoreWatch } from './restore-watch.js';
import { refusing } from './snapshot-error.js';
import { FILES, type SnapshotFolder } from './snapshot-folder.js';
import type { SnapshotStore } from './store.js';

export interface SaveOptions extends Following {
  readonly kind?: ManifestBody['kind'];
  /** Saves only what changed since the log's parent, and lets the log go on from the new snapshot. */
  readonly changes?: ChangeLog;
  /** Host time in nanoseconds since 1970. */
  readonly now?: bigint;
}

/** Parts of a manifest that say where a snapshot comes from. */
export type Origin = Omit<ManifestBody, 'ram' | 'files'>;

/**
 * Saves a paused machine under a new name. When it returns, the snapshot is durable; when it throws, there is nothing of
 * it, and the machine can go on either way.
 */
export function saveMachine(
  machine: Machine,
  store: SnapshotStore,
  name: string,
  options: SaveOptions = {},
): SnapshotFolder {
  const { changes } = options;
  if (changes === undefined) return save(machine, store, name, options, null);
  return changes.take((pages) => {
    const parent = changes.parent.openRam(); // locked until the child, which needs it, is in the store
    return withFile(parent, () => save(machine, store, name, options, pages));
  });
}

function save(
  machine: Machine,
  store: SnapshotStore,
  name: string,
  options: SaveOptions,
  present: Uint8Array | null,
): SnapshotFolder {
  const ram = ramTransfer(machine);
  // What a mapped snapshot has not proven yet must not get a fresh digest.
  throwIf(restoreWatch(machine)?.settle());
  const state = refusing(name, () => encode(saveTree(machine)));
  const origin = originOf(machine, options);
  const draft = store.begin(name);
  try {
    const fd = createFile(draft.path(FILES.ram));
    const { stored, digest } = withFile(fd, () => followJob(ram.write(fd, present), `${name}/${FILES.ram}`, options));
    throwIf(restoreWatch(machine)?.poll());
    finish(draft, origin, { state, present, stored, digest });
  } catch (error) {
    draft.abandon();
    throw error;
  }
  return store.open(name);
}

interface Contents {
  readonly state: Uint8Array;
  readonly present: Uint8Array | null;
  readonly stored: Uint8Array;
  readonly digest: Uint8Array;
}

/** Writes everything beside the RAM file and makes the snapshot visible. */
export function finish(draft: Draft, origin: Origin, { state, present, stored, digest }: Contents): void {
  refusing(draft.name, () => {
    const index = encodeIndex({ present, stored });
    const segments = segmentLengths(origin.machine.memory);
    const { text } = encodeManifest(
      {
        ...origin,
        ram: { segments, stored: countPages(stored) * 4096, xxh3: Buffer.from(digest).toString('hex') },
        files: { state: fileRecord(state), index: fileRecord(index) },
      },
      producer(),
    );
    writeDurable(draft.path(FILES.state), state);
    writeDurable(draft.path(FILES.index), index);
    writeDurable(draft.path(FILES.manifest), new TextEncoder().encode(text));
    draft.commit();
  });
}

/** Ids come from random bits: two snapshots of one second are two. */
export function newId(): string {
  return randomBytes(16).toString('hex');
}

function originOf(machine: Machine, { kind = 'snapshot', changes, now = hostTime() }: SaveOptions): Origin {
  const parent = changes?.parent.manifest;
  return {
    id: newId(),
    kind,
    created: now / 1_000_000_000n,
    host: hostIdentity(),
    parent: parent === undefined ? null : { id: parent.id, manifest: parent.digest },
    machine: recordFromConfig(machine.parts.config),
    compatibility: machineCompatibility(machine),
    devices: deviceList(machine),
    clock: clockRecord(machine, now),
    clone: cloneRecord(machine),
    disks: [],
  };
}

function fileRecord(bytes: Uint8Array): { bytes: number; sha256: string } {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function throwIf(error: Error | null | undefined): void {
  if (error) throw error;
}
