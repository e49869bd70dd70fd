// SPDX-License-Identifier: BSD-2-Clause
import { PAGE_SIZE } from '../hypervisor/hypervisor.js';
import type { Machine } from '../machine/machine.js';
import { logRestoration } from './restoration.js';
import { SnapshotError } from './snapshot-error.js';
import type { SnapshotFolder } from './snapshot-folder.js';

/** An instant of a machine's life, and the pages that were written since. */
export interface Mark {
  readonly pages: Uint8Array;
  /** What was saved at that instant; null while it is being saved. */
  snapshot: SnapshotFolder | null;
}

/** So many snapshots can be the parent of the next one; the oldest is forgotten first. */
const MOST_MARKS = 16;

/**
 * Which pages a machine has written since each of its latest snapshots: what an incremental one holds. What is taken from
 * the engine's log is added to every mark at once, so a save that fails loses nothing.
 */
export class ChangeLog {
  private readonly client: number;
  private marks: Mark[] = [];

  /** With `base` the machine must stand where that was saved, or was just restored from it. */
  constructor(
    private readonly machine: Machine,
    base?: SnapshotFolder,
  ) {
    if (base !== undefined && (machine.time !== base.manifest.clock.time || machine.state === 'running')) {
      throw new SnapshotError(base.name, 'the machine has run on since: changes must be logged from there');
    }
    this.client = machine.parts.engine.openDirtyLog();
    if (base !== undefined) {
      this.mark().snapshot = base;
      logRestoration(machine);
    }
  }

  /** The newest snapshot that an incremental one can build on. */
  get parent(): SnapshotFolder | null {
    return this.snapshots().at(-1) ?? null;
  }

  /** Everything that an incremental snapshot can build on, the newest last. */
  snapshots(): SnapshotFolder[] {
    return this.marks.flatMap(({ snapshot }) => snapshot ?? []);
  }

  /** The pages written since the last call, one bit each. */
  collect(): Uint8Array {
    const { engine } = this.machine.parts;
    const written = pageSet(engine.memory.size);
    engine.takeDirtyLog(this.client, written);
    for (const { pages } of this.marks) addPages(pages, written);
    return written;
  }

  /** The pages written since `snapshot` was saved, up to the last `collect`. The array goes on growing. */
  pagesSince({ name, manifest: { id } }: SnapshotFolder): Uint8Array {
    const mark = this.marks.find(({ snapshot }) => snapshot?.manifest.id === id);
    if (mark !== undefined) return mark.pages;
    const known = this.snapshots().map((snapshot) => snapshot.name);
    const accepted = known.length === 0 ? 'it has none yet' : `known are ${known.join(', ')}`;
    throw new SnapshotError(name, `the VM does not know what it has written since then; ${accepted}`);
  }

  /** Logs from this instant on too; only right after `collect`. */
  mark(): Mark {
    const { size } = this.machine.parts.engine.memory;
    const mark: Mark = { pages: pageSet(size), snapshot: null };
    this.marks.push(mark);
    if (this.marks.length > MOST_MARKS) this.marks.shift();
    return mark;
  }

  forget(mark: Mark): void {
    this.marks = this.marks.filter((other) => other !== mark);
  }

  close(): void {
    this.machine.parts.engine.closeDirtyLog(this.client);
  }
}

function pageSet(bytes: number): Uint8Array {
  return new Uint8Array(Math.ceil(bytes / PAGE_SIZE / 8));
}

export function addPages(to: Uint8Array, more: Uint8Array): void {
  for (const [at, byte] of more.entries()) to[at] = (to[at] ?? 0) | byte;
}
