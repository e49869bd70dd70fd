// SPDX-License-Identifier: BSD-2-Clause
/** The script `work`, in a guest or on the host: it does what it is told, and both clocks measure it. */
import { BenchError } from '../bench-error.js';
import { RunningGuest } from '../running-guest.js';

export interface Done {
  /** By the host's clock, between the marks that the script prints. */
  readonly seconds: number;
  /** By the clock of the machine that did it. */
  readonly ownSeconds: number;
  readonly answer: string;
}

export class Worker {
  private constructor(private readonly running: RunningGuest) {}

  static async start(command: readonly string[]): Promise<Worker> {
    const running = new RunningGuest(command);
    try {
      await running.until('READY', (text) => /^READY\r?$/m.test(text));
      return new Worker(running);
    } catch (error) {
      running.kill();
      throw error;
    }
  }

  /** Each piece once. */
  async work(name: string): Promise<Done> {
    let found: readonly string[] | null = null;
    this.running.type(`${name}\n`);
    const begun = await this.running.until(`beginning of ${name}`, (text) => text.includes(`BEGIN ${name}`));
    const ended = await this.running.until(`end of ${name}`, (text) => {
      found = endOf(name, text);
      return found !== null;
    });
    const [status, microseconds, answer = ''] = found ?? [];
    if (status !== '0') throw new BenchError(`${name} ended with status ${status}: ${answer}`);
    return { seconds: (ended - begun) / 1000, ownSeconds: Number(microseconds) / 1e6, answer: answer.trim() };
  }

  stop(): void {
    this.running.kill();
  }
}

/** Status, microseconds and answer, once the whole line is there. */
export function endOf(name: string, text: string): string[] | null {
  const match = new RegExp(`^END ${name} (\\d+) (\\d+) (.*?)\\r?\\n`, 'm').exec(text);
  return match === null ? null : match.slice(1);
}
