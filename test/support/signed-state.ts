// SPDX-License-Identifier: BSD-2-Clause
/** A snapshot whose state was changed by somebody who knows how to write one: all digests are right. */
import { createHash } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { encodeManifest, type ManifestBody, manifestBody } from '../../src/snapshot/manifest.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';

export function replaceState(store: SnapshotStore, name: string, state: Uint8Array): void {
  const snapshot = store.open(name);
  const record = { bytes: state.length, sha256: createHash('sha256').update(state).digest('hex') };
  overwrite(snapshot.path('state'), state);
  const { files } = snapshot.manifest;
  replaceManifest(store, name, { files: { ...files, state: record } });
}

export function replaceManifest(store: SnapshotStore, name: string, parts: Partial<ManifestBody>): void {
  const snapshot = store.open(name);
  const { text } = encodeManifest({ ...manifestBody(snapshot.manifest), ...parts }, snapshot.manifest.producer);
  overwrite(snapshot.path('manifest'), text);
}

function overwrite(path: string, content: string | Uint8Array): void {
  chmodSync(path, 0o600);
  writeFileSync(path, content);
  chmodSync(path, 0o400);
}
