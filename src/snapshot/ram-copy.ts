// SPDX-License-Identifier: BSD-2-Clause
/** How the memory of a machine gets into a draft: at once while it stands still, or in rounds while it runs. */
import { closeSync } from 'node:fs';
import { PAGE_SIZE } from '../hypervisor/hypervisor.js';
import { sealRam } from '../hypervisor/ram-files.js';
import type { Machine } from '../machine/machine.js';
import { addPages, type ChangeLog } from './change-log.js';
import type { Draft } from './draft.js';
import { createFile } from './durable.js';
import { ramTransfer, segmentLengths } from './machine-facts.js';
import { countPages, pageCount } from './page-index.js';
import { FILES, type SnapshotFolder } from './snapshot-folder.js';
import { resultOf, type Steps } from './steps.js';

export interface CopiedRam {
  readonly present: Uint8Array | null;
  readonly stored: Uint8Array;
  /** Null until it is sealed. */
  readonly digest: Uint8Array | null;
}

/** So little is copied in the time that the machine needs to stop. */
const FEW_PAGES = 256;
/** A guest that writes faster than we copy is not followed for ever. */
const MOST_ROUNDS = 8;

export class RamCopy {
  private readonly fd: number;
  private readonly path: string;
  private readonly segments: readonly number[];
  private stored: Uint8Array;
  /** Written since it was copied; null: nothing has been copied yet. */
  private stale: Uint8Array | null = null;
  private copied = 0;

  constructor(
    private readonly machine: Machine,
    draft: Draft,
    private readonly changes: ChangeLog | null,
    private readonly parent: SnapshotFolder | null,
  ) {
    this.path = `${draft.name}/${FILES.ram}`;
    this.segments = segmentLengths(machine.parts.config.memory);
    this.stored = new Uint8Array(Math.ceil(pageCount(this.segments) / 8));
    this.fd = createFile(draft.path(FILES.ram));
  }

  /** Pages that the last copy has written. */
  get lastPages(): number {
    return this.copied;
  }

  /** Copies while the machine runs, until what it writes meanwhile is little or does not become less. */
  *rounds(): Steps<void> {
    const changes = this.log();
    changes.collect();
    yield* this.copy(this.present());
    let before = Number.POSITIVE_INFINITY;
    for (let round = 1; round < MOST_ROUNDS; round += 1) {
      this.stale = changes.collect();
      const left = countPages(this.stale);
      if (left <= FEW_PAGES || left >= before) return;
      before = left;
      yield* this.copy(this.stale);
    }
    this.stale = changes.collect();
  }

  /** What `rounds` has left, or everything; the machine stands still, and its log was just collected as `last`. */
  *rest(last: Uint8Array | null): Steps<CopiedRam> {
    if (this.stale !== null && last !== null) addPages(this.stale, last);
    yield* this.copy(this.stale ?? this.present());
    return this.result(null);
  }

  /** Everything at once, sealed. */
  *whole(): Steps<CopiedRam> {
    const job = ramTransfer(this.machine).write(this.fd, this.present());
    const { stored, digest } = yield* resultOf(job, this.path);
    this.stored = stored;
    this.copied = countPages(stored);
    return this.result(digest);
  }

  /** Makes the digest and syncs; the machine may run. */
  *seal(): Steps<Uint8Array> {
    return (yield* resultOf(sealRam(this.segments, this.fd, this.stored), this.path)).digest;
  }

  close(): void {
    closeSync(this.fd);
  }

  private *copy(pages: Uint8Array | null): Steps<void> {
    const job = ramTransfer(this.machine).copy(this.fd, pages, this.stored);
    this.copied = 0;
    const { stored } = yield* resultOf(job, this.path);
    this.stored = stored;
    this.copied = job.total() / PAGE_SIZE;
  }

  /** What an incremental snapshot speaks about. */
  private present(): Uint8Array | null {
    return this.parent === null ? null : this.log().pagesSince(this.parent).slice();
  }

  private result(digest: Uint8Array | null): CopiedRam {
    return { present: this.present(), stored: this.stored, digest };
  }

  private log(): ChangeLog {
    if (this.changes === null) throw new Error('no log of what the machine has written');
    return this.changes;
  }
}
