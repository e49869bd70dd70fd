// SPDX-License-Identifier: BSD-2-Clause
import { encode } from '../core/cbor.js';
import { newId } from '../host/new-id.js';
import { mergeRam } from '../hypervisor/ram-files.js';
import { copyPins } from './disks/copy-pins.js';
import type { Draft } from './draft.js';
import { createFile, withFile } from './durable.js';
import { finish } from './finish-snapshot.js';
import { hostIdentity } from './host-identity.js';
import { manifestBody } from './manifest.js';
import { SnapshotError } from './snapshot-error.js';
import { FILES, ramLayer, type SnapshotFolder } from './snapshot-folder.js';
import { type Following, followJob } from './steps.js';
import type { SnapshotStore } from './store.js';
import { roleOf } from './suspend-use.js';
import { verifyLayers } from './verify-snapshot.js';

/** Makes a full snapshot, `target`, of an incremental one. The chain stays as it is and may then be removed. */
export function flattenSnapshot(
  store: SnapshotStore,
  name: string,
  target: string,
  options: Following = {},
): SnapshotFolder {
  const newest = store.open(name);
  const role = roleOf(newest);
  if (role !== 'snapshot' && newest.manifest.disks.length > 0) {
    throw new SnapshotError(
      name,
      'the disks of a suspend are its own: resume it with --keep, which makes it a snapshot',
    );
  }
  const draft = store.begin(target);
  const copy = { id: newId(), path: draft.target };
  const pins = copyPins(newest, copy);
  try {
    const flat = flattenInto(store, newest, draft, { ...options, id: copy.id });
    pins.confirm();
    return flat;
  } catch (error) {
    pins.remove();
    throw error;
  }
}

interface Flattening extends Following {
  /** Of the new snapshot; drawn unless given. */
  readonly id?: string;
}

/** The snapshot appears under the name of the draft. */
export function flattenInto(
  store: SnapshotStore,
  newest: SnapshotFolder,
  draft: Draft,
  options: Flattening = {},
): SnapshotFolder {
  try {
    return write(store, newest, draft, options);
  } catch (error) {
    draft.abandon();
    throw error;
  }
}

function write(store: SnapshotStore, newest: SnapshotFolder, draft: Draft, options: Flattening): SnapshotFolder {
  const state = encode(newest.readState());
  const disks = newest.readDisks();
  return store.withLayers(newest, (layers) => {
    verifyLayers(layers, options); // or damaged pages would get a good digest
    const { segments } = newest.manifest.ram;
    const { stored, digest } = withFile(createFile(draft.path(FILES.ram)), (fd) =>
      followJob(mergeRam(segments, fd, layers.map(ramLayer)), `${draft.name}/${FILES.ram}`, options),
    );
    const { id = newId() } = options;
    const kind = roleOf(newest) === 'snapshot' ? 'snapshot' : 'suspend'; // a suspend that was kept is none any more
    const origin = { ...manifestBody(newest.manifest), id, kind, host: hostIdentity(), parent: null } as const;
    return finish(draft, origin, { state, present: null, stored, digest, disks });
  });
}
