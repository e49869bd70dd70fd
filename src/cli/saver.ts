// SPDX-License-Identifier: BSD-2-Clause
/** Suspends and snapshots that a person asks for by a key or a signal, and what that person hears about them. */
import type { SaveKind } from '../machine/thread-save.js';
import { sizeText } from './sizes.js';
import type { Vm } from './vm.js';

export interface SaverOutput {
  print(line: string): void;
  /** A line that the next one replaces; null takes it away. */
  progress(text: string | null): void;
}

const ACTIONS: Readonly<Record<SaveKind, string>> = { suspend: 'suspend', snapshot: 'take a snapshot' };

export class Saver {
  private active: SaveKind | null = null;

  /** `now` gives milliseconds that never go back. */
  constructor(
    private readonly vm: Pick<Vm, 'save'>,
    private readonly output: SaverOutput,
    private readonly now: () => number,
  ) {}

  /** `asked` is the key or signal. One at a time: the guest stands still during a save. */
  async save(kind: SaveKind, asked: string): Promise<void> {
    const refuse = (reason: string): void => this.output.print(`${asked}: cannot ${ACTIONS[kind]}: ${reason}`);
    if (this.active !== null) {
      refuse(`a ${this.active} is on its way`);
      return;
    }
    this.active = kind;
    const start = this.now();
    try {
      const { name, bytes } = await this.vm.save({ kind }, (done, total) => this.show(kind, done, total));
      this.output.progress(null);
      const seconds = ((this.now() - start) / 1000).toFixed(2);
      const what = kind === 'suspend' ? `suspended as ${name}` : `snapshot ${name}`;
      this.output.print(`${what}: ${sizeText(bytes)} of memory in ${seconds} s; -r ${name} goes on from there`);
    } catch (error) {
      this.output.progress(null);
      refuse((error as Error).message);
    }
    this.active = null;
  }

  private show(kind: SaveKind, done: number, total: number): void {
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
    this.output.progress(`${kind}: ${percent} % of ${sizeText(total)}`);
  }
}
