// SPDX-License-Identifier: BSD-2-Clause
/** `--continue`: where a VM goes on, if it was suspended. */
import { SnapshotError } from '../snapshot/snapshot-error.js';
import type { SnapshotFolder } from '../snapshot/snapshot-folder.js';
import { SnapshotStore, type StoreEntry } from '../snapshot/store.js';
import { roleOf } from '../snapshot/suspend-use.js';

export interface WayOn {
  /** The VM's newest suspend; null means that it boots. */
  readonly suspend: string | null;
  /** Something to say about what else was found. */
  readonly notices: readonly string[];
}

/** What is spent goes: the VM that went on from it has ended without saying so. Only its owner may look for it. */
export function newestSuspend(root: string, vm: string): WayOn {
  const store = new SnapshotStore(root);
  const own: SnapshotFolder[] = [];
  for (const entry of store.list()) {
    if ('problem' in entry) refuseIfOfVm(entry, vm);
    else if (entry.snapshot.manifest.machine.name === vm) own.push(entry.snapshot);
  }
  const byAge = own.sort((a, b) => (a.manifest.clock.wall < b.manifest.clock.wall ? -1 : 1));
  const spent = byAge.filter((snapshot) => roleOf(snapshot) === 'spent');
  const waiting = byAge.filter((snapshot) => roleOf(snapshot) === 'suspend');
  const notices = spent.flatMap(({ name }) => failedRemoval(store, name) ?? []);
  const suspend = waiting.at(-1)?.name ?? null;
  const last = spent.at(-1)?.name;
  if (suspend !== null || last === undefined) return { suspend, notices };
  const boots = `the VM went on from ${last} and ended without being suspended again: it boots`;
  return { suspend, notices: [...notices, boots] };
}

/** What is spent is in nobody's way: that it stays is no reason not to start. */
function failedRemoval(store: SnapshotStore, name: string): string | null {
  try {
    store.remove(name);
    return null;
  } catch (cause) {
    if (!(cause instanceof SnapshotError)) throw cause;
    return `${cause.message}; it is spent and could not be removed: tsbhyve snapshot rm ${name}`;
  }
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
