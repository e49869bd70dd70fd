// SPDX-License-Identifier: BSD-2-Clause
/** `--continue`: where a VM goes on, if it was suspended. */
import type { Manifest } from '../snapshot/manifest.js';
import { SnapshotError } from '../snapshot/snapshot-error.js';
import { SnapshotStore, type StoreEntry } from '../snapshot/store.js';

/** Name of the VM's newest suspend; null means that it boots. */
export function newestSuspend(root: string, vm: string): string | null {
  let newest: { name: string; manifest: Manifest } | null = null;
  for (const entry of new SnapshotStore(root).list()) {
    if ('problem' in entry) {
      refuseIfOfVm(entry, vm);
      continue;
    }
    const { name, snapshot } = entry;
    const { manifest } = snapshot;
    if (manifest.kind !== 'suspend' || manifest.machine.name !== vm) continue;
    if (newest === null || manifest.clock.wall > newest.manifest.clock.wall) newest = { name, manifest };
  }
  return newest?.name ?? null;
}

/** By its name it is this VM's: booting could throw away what the VM was suspended with. */
function refuseIfOfVm({ name, problem }: Extract<StoreEntry, { problem: unknown }>, vm: string): void {
  const isNumbered = name.startsWith(`${vm}-`) && /^[0-9]+$/.test(name.slice(vm.length + 1));
  if (!isNumbered) return;
  throw new SnapshotError(
    '--continue',
    `${problem.message}; remove it (tsbhyve snapshot rm ${name}), or go on from another with -r`,
  );
}
