// SPDX-License-Identifier: BSD-2-Clause
/** A client of a console that takes nothing for so long has hung up without saying so. */
import type { Writable } from 'node:stream';

const STALLED_MS = 10_000;

export class StallWatch {
  private client: Writable | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly milliseconds = STALLED_MS) {}

  /** `attach` lets output flow to the client, by its `drain` events among others. */
  follow(client: Writable, attach: () => void): void {
    this.client = client;
    const drained = (work: () => void): void => {
      client.on('drain', () => {
        if (this.client === client) work();
      });
    };
    drained(() => this.stopClock()); // it has taken all there was; what is sent now has its own time
    attach();
    drained(() => this.look());
    this.look();
  }

  /** To be called when something may have been sent. */
  look(): void {
    const { client } = this;
    if (client?.writableNeedDrain !== true) this.stopClock();
    else this.timer ??= setTimeout(() => client.destroy(), this.milliseconds);
  }

  /** The client has left. */
  end(): void {
    this.client = null;
    this.stopClock();
  }

  private stopClock(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
