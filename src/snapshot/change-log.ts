// SPDX-License-Identifier: BSD-2-Clause
import { PAGE_SIZE } from '../hypervisor/hypervisor.js';
import type { Machine } from '../machine/machine.js';
import { logRestoration } from './restoration.js';
import { SnapshotError } from './snapshot-error.js';
import type { SnapshotFolder } from './snapshot-folder.js';

/** Which pages a machine has written since it was the same as a snapshot: what the next, incremental one holds. */
export class ChangeLog {
  private readonly client: number;
  private base: SnapshotFolder;

  /** The machine must stand where `base` was saved, or was just restored from it. */
  constructor(
    private readonly machine: Machine,
    base: SnapshotFolder,
  ) {
    if (machine.time !== base.manifest.clock.time || machine.state === 'running') {
      throw new SnapshotError(base.name, 'the machine has run on since: changes must be logged from there');
    }
    this.base = base;
    this.client = machine.parts.engine.openDirtyLog();
    logRestoration(machine);
  }

  get parent(): SnapshotFolder {
    return this.base;
  }

  /** Calls `save` with the pages written so far. If it fails they count as written still. */
  take(save: (pages: Uint8Array) => SnapshotFolder): SnapshotFolder {
    const { engine } = this.machine.parts;
    const pages = new Uint8Array(Math.ceil(engine.memory.size / PAGE_SIZE / 8));
    engine.takeDirtyLog(this.client, pages);
    try {
      this.base = save(pages);
      return this.base;
    } catch (error) {
      engine.putBackDirtyLog(this.client, pages);
      throw error;
    }
  }

  close(): void {
    this.machine.parts.engine.closeDirtyLog(this.client);
  }
}
