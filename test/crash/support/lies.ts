// SPDX-License-Identifier: BSD-2-Clause
/** Logs of programs that sync too little, to show that a power cut then does harm. */
import type { Change } from './store-log.js';

/** As if nothing of this kind were ever synced. */
export function withoutSyncs(log: readonly Change[], kind: 'create' | 'folder'): Change[] {
  const objects = new Set([0, ...log.flatMap((change) => (change.kind === 'folder' ? [change.object] : []))]);
  return log.filter((change) => change.kind !== 'sync' || objects.has(change.object) !== (kind === 'folder'));
}

/** As if nobody had synced the files and folders made under this name. */
export function withoutSyncsOf(log: readonly Change[], name: string): Change[] {
  const objects = new Set(
    log.flatMap((change) =>
      (change.kind === 'create' || change.kind === 'folder') && change.at.name.startsWith(name) ? [change.object] : [],
    ),
  );
  return log.filter((change) => change.kind !== 'sync' || !objects.has(change.object));
}

/** As if everything got its final name as soon as it is made. */
export function withEarlyRenames(log: readonly Change[]): Change[] {
  const renames = log.filter((change) => change.kind === 'rename');
  return log.flatMap((change) => {
    if (change.kind === 'rename') return [];
    const early = change.kind === 'folder' ? renames.filter(({ at }) => at.name === change.at.name) : [];
    return [change, ...early];
  });
}

/** As if a folder were not synced after a file of this name was made in it. */
export function withoutSyncAfter(log: readonly Change[], name: string): Change[] {
  const made = log.findIndex((change) => change.kind === 'create' && change.at.name === name);
  const change = log[made];
  const folder = change?.kind === 'create' ? change.at.folder : -1;
  const lost = log.findIndex((later, index) => index > made && later.kind === 'sync' && later.object === folder);
  return log.filter((_, index) => index !== lost);
}
