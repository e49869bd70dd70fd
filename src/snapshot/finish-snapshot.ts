// SPDX-License-Identifier: BSD-2-Clause
/** What a snapshot has beside its memory, and how it becomes visible. */
import { createHash, randomBytes } from 'node:crypto';
import type { Machine } from '../machine/machine.js';
import { recordFromConfig } from './config-record.js';
import type { Draft } from './draft.js';
import { writeDurable } from './durable.js';
import { hostIdentity } from './host-identity.js';
import { hostTime } from './host-time.js';
import { deviceList, machineCompatibility, segmentLengths } from './machine-facts.js';
import { encodeManifest, type ManifestBody } from './manifest.js';
import { countPages, encodeIndex } from './page-index.js';
import { producer } from './producer.js';
import type { CopiedRam } from './ram-copy.js';
import { clockRecord, cloneRecord } from './restoration.js';
import { refusing } from './snapshot-error.js';
import { FILES, SnapshotFolder } from './snapshot-folder.js';

/** Parts of a manifest that say where a snapshot comes from. */
export type Origin = Omit<ManifestBody, 'ram' | 'files'>;

interface Contents extends CopiedRam {
  readonly state: Uint8Array;
  readonly digest: Uint8Array;
}

/** Writes everything beside the RAM file and makes the snapshot visible. */
export function finish(draft: Draft, origin: Origin, { state, present, stored, digest }: Contents): SnapshotFolder {
  return refusing(draft.name, () => {
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
    const written = new SnapshotFolder(draft.folder, draft.name);
    draft.commit();
    // Nothing may fail any more: somebody would take a snapshot that is there for one that is not.
    return new SnapshotFolder(draft.target, draft.name, written);
  });
}

/** Ids come from random bits: two snapshots of one second are two. */
export function newId(): string {
  return randomBytes(16).toString('hex');
}

/** To be called when the machine has just stopped: `now` is host time in nanoseconds since 1970. */
export function originOf(
  machine: Machine,
  parent: SnapshotFolder | null,
  kind: ManifestBody['kind'],
  now = hostTime(),
): Origin {
  return {
    id: newId(),
    kind,
    host: hostIdentity(),
    parent: parent === null ? null : { id: parent.manifest.id, manifest: parent.manifest.digest },
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
