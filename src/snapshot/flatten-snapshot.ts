// SPDX-License-Identifier: BSD-2-Clause
import { encode } from '../core/cbor.js';
import { mergeRam } from '../hypervisor/ram-files.js';
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
  const newest = store.open(name);
  const state = encode(newest.readState());
  store.withLayers(newest, (layers) => {
    verifyLayers(layers, {}); // or damaged pages would get a good digest
    const draft = store.begin(target);
    try {
      const { segments } = newest.manifest.ram;
      const { stored, digest } = withFile(createFile(draft.path(FILES.ram)), (fd) =>
        followJob(mergeRam(segments, fd, layers.map(ramLayer)), `${target}/${FILES.ram}`, options),
      );
      const origin = { ...manifestBody(newest.manifest), id: newId(), host: hostIdentity(), parent: null };
      finish(draft, origin, { state, present: null, stored, digest });
    } catch (error) {
      draft.abandon();
      throw error;
    }
  });
  return store.open(target);
}
