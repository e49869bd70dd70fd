// SPDX-License-Identifier: BSD-2-Clause
/** Several may want the guest to stand still; it runs when nobody does. */
export class Holds<Holder> {
  private readonly holders = new Set<Holder>();

  /** `stop` stops the guest or lets it run. */
  constructor(private readonly stop: (stopped: boolean) => Promise<unknown>) {}

  /** Twice is as good as once, and a refusal changes nothing. */
  async set(holder: Holder, held: boolean): Promise<void> {
    if (this.holders.has(holder) === held) return;
    const others = this.holders.size - (held ? 0 : 1);
    this.put(holder, held);
    try {
      if (others === 0) await this.stop(held);
    } catch (error) {
      this.put(holder, !held);
      throw error;
    }
  }

  private put(holder: Holder, held: boolean): void {
    if (held) this.holders.add(holder);
    else this.holders.delete(holder);
  }
}
