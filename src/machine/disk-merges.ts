// SPDX-License-Identifier: BSD-2-Clause
import type { Logger } from '../core/log.js';
import { isKept } from '../host/disk/kept-disk.js';
import type { DiskJob, LayeredDisk } from '../host/disk/layers/api.js';
import type { Machine } from './machine.js';

/** Keeps the chains of layers under a machine's disks short, while it runs. */
export class DiskMerges {
  private readonly disks: readonly LayeredDisk[];
  private readonly jobs = new Map<LayeredDisk, DiskJob>();
  /** Those that failed once: trying again and again would not help. */
  private readonly failed = new Set<LayeredDisk>();

  constructor(
    { parts: { disks } }: Machine,
    private readonly log: Logger,
  ) {
    this.disks = disks.flatMap(({ backend }) => (isKept(backend) ? [backend.layers] : []));
  }

  /** To be called now and then while the machine runs. */
  poll(): void {
    for (const disk of this.disks.filter((each) => !this.failed.has(each))) {
      try {
        this.pollDisk(disk);
      } catch (error) {
        this.failed.add(disk);
        this.jobs.delete(disk);
        this.log.warn(`disk ${disk.path}: its layers are not merged: ${(error as Error).message}`);
      }
    }
  }

  /** The machine has ended. */
  stop(): void {
    for (const job of this.jobs.values()) job.cancel();
    this.jobs.clear();
  }

  private pollDisk(disk: LayeredDisk): void {
    const job = this.jobs.get(disk) ?? disk.startMerge();
    if (job === null) return;
    this.jobs.set(disk, job);
    if (!job.wait(0)) return;
    this.jobs.delete(disk);
    job.finish();
  }
}
