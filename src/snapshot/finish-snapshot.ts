// SPDX-License-Identifier: BSD-2-Clause
/** What a snapshot has beside its memory, and how it becomes visible. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Machine } from '../machine/machine.js';
import { recordFromConfig } from './config-record.js';
import { type DiskRecord, diskFile, encodeDisk } from './disks/disk-record.js';
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
import { DISKS_FOLDER, FILES, SnapshotFolder } from './snapshot-folder.js';

/** Parts of a manifest that say where a snapshot comes from. */
export type Origin = Omit<ManifestBody, 'ram' | 'files' | 'disks'>;

interface Contents extends CopiedRam {
  readonly state: Uint8Array;
  readonly digest: Uint8Array;
  readonly disks: readonly DiskRecord[];
}

/** Writes everything beside the RAM file and makes the snapshot visible. */
export function finish(draft: Draft, origin: Origin, contents: Contents): SnapshotFolder {
  const { state, present, stored, digest, disks } = contents;
  return refusing(draft.name, () => {
    const index = encodeIndex({ present, stored });
    const segments = segmentLengths(origin.machine.memory);
    const { text } = encodeManifest(
      {
        ...origin,
        ram: { segments, stored: countPages(stored) * 4096, xxh3: Buffer.from(digest).toString('hex') },
        files: { state: fileRecord(state), index: fileRecord(index) },
        disks: writeDisks(draft, disks),
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

interface Beginning {
  readonly id: string;
  readonly parent: SnapshotFolder | null;
  readonly kind: ManifestBody['kind'];
  readonly now?: bigint | undefined;
}

/** To be called when the machine has just stopped: `now` is host time in nanoseconds since 1970. */
export function originOf(machine: Machine, { id, parent, kind, now = hostTime() }: Beginning): Origin {
  return {
    id,
    kind,
    host: hostIdentity(),
    parent: parent === null ? null : { id: parent.manifest.id, manifest: parent.manifest.digest },
    machine: recordFromConfig(machine.parts.config),
    compatibility: machineCompatibility(machine),
    devices: deviceList(machine),
    clock: clockRecord(machine, now),
    clone: cloneRecord(machine),
  };
}

function writeDisks(draft: Draft, disks: readonly DiskRecord[]): ManifestBody['disks'] {
  if (disks.length === 0) return [];
  const folder = draft.makeFolder(DISKS_FOLDER);
  return disks.map((disk) => {
    const { bytes, reference } = encodeDisk(disk);
    writeDurable(join(folder, diskFile(disk.device)), bytes);
    return reference;
  });
}

function fileRecord(bytes: Uint8Array): { bytes: number; sha256: string } {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
