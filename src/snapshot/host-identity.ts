// SPDX-License-Identifier: BSD-2-Clause
/** Whether a snapshot was made here and by us: then it may be used while it is still being verified. */
import { createHash } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { refusing } from './snapshot-error.js';
import type { SnapshotFolder } from './snapshot-folder.js';

const WRITABLE_BY_OTHERS = 0o022;

/** A digest, because machine-id(5) must not be told to strangers. */
export function hostIdentity(): string {
  return createHash('sha256').update(`tsbhyve snapshot host ${machineId()}`).digest('hex');
}

/** `own`: mapped at once and verified behind. `foreign`: read and verified before the first instruction. */
export type Trust = 'own' | 'foreign';

export function trustOf(snapshot: SnapshotFolder): Trust {
  const ram = refusing(snapshot.label('ram'), () => statSync(snapshot.path('ram')));
  const folder = refusing(snapshot.name, () => statSync(snapshot.folder));
  const ours = [snapshot.status, ram, folder].every(isOurs);
  return ours && snapshot.manifest.host === hostIdentity() ? 'own' : 'foreign';
}

function isOurs({ uid, mode }: Stats): boolean {
  return uid === process.getuid?.() && (mode & WRITABLE_BY_OTHERS) === 0;
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return hostname(); // FreeBSD and containers may have none
  }
}
