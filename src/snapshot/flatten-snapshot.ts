// SPDX-License-Identifier: BSD-2-Clause
import { encode } from '../core/cbor.js';
import { mergeRam } from '../hypervisor/ram-files.js';
import type { Draft } from './draft.js';
import { createFile, withFile } from './durable.js';
import { finish, newId } from './finish-snapshot.js';
import { hostIdentity } from './host-identity.js';
import { manifestBody } from './manifest.js';
import { FILES, ramLayer, type SnapshotFolder } from './snapshot-folder.js';
import { type Following, followJob } from './steps.js';
import type { SnapshotStore } from './store.js';
import { verifyLayers } from './verify-snapshot.js';

/** Makes a full snapshot, `target`, of an incremental one. The chain stays as it is and may then be removed. */
export function flattenSnapshot(
  store: SnapshotStore,
  name: string,
  target: string,
  options: Following = {},
): SnapshotFolder {
  return flattenInto(store, store.open(name), store.begin(target), options);
}

/** The snapshot appears under the name of the draft. */
export function flattenInto(
  store: SnapshotStore,
  newest: SnapshotFolder,
  draft: Draft,
  options: Following = {},
): SnapshotFolder {
  try {
    return write(store, newest, draft, options);
  } catch (error) {
    draft.abandon();
    throw error;
  }
}

function write(store: SnapshotStore, newest: SnapshotFolder, draft: Draft, options: Following): SnapshotFolder {
  const state = encode(newest.readState());
  return store.withLayers(newest, (layers) => {
    verifyLayers(layers, options); // or damaged pages would get a good digest
    const { segments } = newest.manifest.ram;
    const { stored, digest } = withFile(createFile(draft.path(FILES.ram)), (fd) =>
      followJob(mergeRam(segments, fd, layers.map(ramLayer)), `${draft.name}/${FILES.ram}`, options),
    );
    const origin = { ...manifestBody(newest.manifest), id: newId(), host: hostIdentity(), parent: null };
    return finish(draft, origin, { state, present: null, stored, digest });
  });
}
