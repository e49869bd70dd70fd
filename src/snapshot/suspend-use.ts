// SPDX-License-Identifier: BSD-2-Clause
/**
 * What has become of a suspend, as a file in its folder says: the manifest is never written again. A machine that goes on
 * from it may write to its disks, and then nobody may go back to that instant as if nothing had happened.
 */
import { constants, existsSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FINISHED_MODE, syncFolder, withFile } from './durable.js';
import { refusing, SnapshotError } from './snapshot-error.js';
import type { SnapshotFolder } from './snapshot-folder.js';

const { O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;

/** A machine has gone on from it, and it is of no use any more; or it was made a snapshot then. */
export type SuspendUse = 'spent' | 'kept';

/** `suspend`: it waits for its machine to go on. */
export type Role = 'snapshot' | 'suspend' | 'spent';

export function roleOf({ folder, manifest: { kind } }: SnapshotFolder): Role {
  if (kind === 'snapshot' || existsSync(join(folder, 'kept'))) return 'snapshot';
  return existsSync(join(folder, 'spent')) ? 'spent' : 'suspend';
}

/** When this returns it holds after a power cut too; when it throws, nothing has changed. */
export function markUse({ folder, name }: SnapshotFolder, use: SuspendUse): void {
  const path = join(folder, use);
  refusing(name, () => {
    try {
      withFile(openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW, FINISHED_MODE), fsyncSync);
      syncFolder(folder);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  });
}

export function refuseSpent(snapshot: SnapshotFolder): void {
  if (roleOf(snapshot) !== 'spent') return;
  throw new SnapshotError(
    snapshot.name,
    'is spent: its VM went on from it, and its disks are no longer as they were; boot the VM, or go on from a snapshot',
  );
}
