// SPDX-License-Identifier: BSD-2-Clause
/** How a disk under the real clock works beside the guest: on native threads, which tell the machine's when they are done. */
import type { DiskThreads } from '../../hypervisor/hypervisor.js';

export interface DiskEvents {
  /** Answers the source that stands for this handler. */
  register(handler: (token: number, result: number) => void): number;
  /** Waits for an event of this source and hands it out. False if none came in that time. */
  dispatchOne(source: number, milliseconds: number): boolean;
}

export interface DiskQueue {
  readonly threads: DiskThreads;
  readonly events: DiskEvents;
}
