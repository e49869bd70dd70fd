// SPDX-License-Identifier: BSD-2-Clause
import { readSpans, writeSpans } from '../../devices/virtio/chain.js';
import {
  type VirtioHost,
  type VirtioKind,
  VirtioModel,
  type VirtioPciFields,
} from '../../devices/virtio/virtio-kind.js';
import type { VirtioQueue } from '../../devices/virtio/virtio-queue.js';
import type { Width } from '../../src/core/bits.js';
import { StateShape } from '../../src/core/state-shape.js';

const AT_ONCE = 4;
const KEPT = 1000;

/** A device that writes back what it reads, at most four buffers at a time; its configuration is 1, 2, 3, ... */
export class Echo extends VirtioModel {
  /** What came out of the queues last. */
  readonly texts: string[] = [];

  constructor(private readonly host: VirtioHost<unknown>) {
    super();
  }

  process(queue: VirtioQueue): void {
    queue.takeSome(AT_ONCE, (chain) => {
      const bytes = readSpans(this.host.memory, chain.readable);
      if (this.texts.length === KEPT) this.texts.shift();
      this.texts.push(Buffer.from(bytes).toString('latin1'));
      queue.use(chain, writeSpans(this.host.memory, chain.writable, bytes));
    });
  }

  override readConfig(offset: number, width: Width): number {
    let value = 0;
    for (let index = 0; index < width; index += 1) value += (offset + index + 1) * 2 ** (8 * index);
    return value;
  }
}

export const OWN_FEATURE = 1n << 3n;

export function echoKind(queueSizes: readonly number[] = [8]): VirtioKind<VirtioPciFields, Echo> {
  return {
    type: 4,
    classCode: 0x00ff00,
    features: OWN_FEATURE,
    queueSizes,
    configLength: 8,
    shape: (common) => new StateShape('virtio-echo', 1, common),
    create: (host) => new Echo(host),
  };
}
