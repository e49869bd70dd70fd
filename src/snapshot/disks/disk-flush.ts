// SPDX-License-Identifier: BSD-2-Clause
/** Everything that a guest has written to its disks comes to stable storage, as if it had asked for that itself. */
import type { BlockResult } from '../../../devices/virtio/block-backend.js';
import type { KeptDisk } from '../../host/disk/kept-disk.js';
import { SnapshotError } from '../snapshot-error.js';
import type { Steps } from '../steps.js';

/** The guest may run meanwhile. */
export function* flushed(disks: readonly KeptDisk[]): Steps<void> {
  const flushes = disks.map((disk) => new Flush(disk));
  const isDone = (): boolean => flushes.every((flush) => flush.isDone);
  if (!isDone()) {
    yield {
      wait: (milliseconds) => {
        if (milliseconds > 0) flushes.find((flush) => !flush.isDone)?.wait();
        return isDone();
      },
      stop: () => {
        for (const flush of flushes) flush.finish();
      },
      done: () => 0,
      total: () => 0,
    };
  }
  for (const flush of flushes) flush.check();
}

/** The machine stands still. */
export function flushNow(disk: KeptDisk): void {
  const flush = new Flush(disk);
  flush.finish();
  flush.check();
}

class Flush {
  private result: BlockResult | null = null;

  constructor(private readonly disk: KeptDisk) {
    disk.submit({ kind: 'flush' }, (result) => {
      this.result = result;
    });
  }

  get isDone(): boolean {
    return this.result !== null;
  }

  /** For one request of the disk, this or another. */
  wait(): void {
    this.disk.wait();
  }

  finish(): void {
    while (!this.isDone) this.wait();
  }

  check(): void {
    if (this.result === 'ok') return;
    throw new SnapshotError(`disk ${this.disk.layers.path}`, 'what was written cannot be brought to stable storage');
  }
}
