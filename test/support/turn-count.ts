// SPDX-License-Identifier: BSD-2-Clause
/** Counts the work of a virtio device in descriptors, which no other load on the host changes, and measures it on demand. */
import type { Ring } from '../../devices/virtio/ring.js';
import type { VirtioCore } from '../../devices/virtio/virtio-core.js';

export class TurnCount {
  /** Descriptors that the device has looked at so far. */
  total = 0;
  /** The most within one turn: a notification with all that follows from it at once, or a word of the host's. */
  most = 0;
  /** What the meter says of all notifications together, and of the dearest. */
  spent = 0;
  dearest = 0;
  private inTurn = 0;
  private depth = 0;

  constructor(core: VirtioCore, meter: () => number = () => 0) {
    this.watch(core.split);
    this.watch(core.packed);
    const notify = core.notify.bind(core);
    core.notify = (index) => {
      if (this.depth > 0) {
        notify(index);
        return;
      }
      this.begin();
      this.depth += 1;
      const before = meter();
      try {
        notify(index);
      } finally {
        this.depth -= 1;
        const cost = meter() - before;
        this.spent += cost;
        this.dearest = Math.max(this.dearest, cost);
      }
    };
  }

  /** What comes now is another turn. */
  begin(): void {
    this.inTurn = 0;
  }

  private watch(ring: Ring): void {
    const take = ring.take.bind(ring);
    ring.take = (queue, options) => {
      const chain = take(queue, options);
      const descriptors = chain === null ? 0 : chain.readable.length + chain.writable.length;
      this.total += descriptors;
      this.inTurn += descriptors;
      this.most = Math.max(this.most, this.inTurn);
      return chain;
    };
  }
}
