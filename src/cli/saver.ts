// SPDX-License-Identifier: BSD-2-Clause
/** Suspends and snapshots that a person asks for by a key or a signal, and what that person hears about them. */
import { join } from 'node:path';
import type { SavedSnapshot, SaveKind } from '../machine/thread-save.js';
import { sizeText } from './sizes.js';
import type { Vm, VmSaveOrder } from './vm.js';

export interface SaverOutput {
  print(line: string): void;
  /** A line that the next one replaces; null takes it away. */
  progress(text: string | null): void;
}

const ACTIONS: Readonly<Record<SaveKind, string>> = { suspend: 'suspend', snapshot: 'take a snapshot' };

export type SaveProgress = (done: number, total: number) => void;

export class Saver {
  private running: SaveKind | null = null;
  private completed = 0;
  private newest: SavedSnapshot | null = null;

  /** `now` gives milliseconds that never go back. */
  constructor(
    private readonly vm: Pick<Vm, 'save'>,
    private readonly output: SaverOutput,
    private readonly now: () => number,
  ) {}

  /** What is being saved; null if nothing is. */
  get active(): SaveKind | null {
    return this.running;
  }

  /** Saves that ended well. */
  get count(): number {
    return this.completed;
  }

  get last(): SavedSnapshot | null {
    return this.newest;
  }

  /** `asked` is the key or signal. */
  async save(kind: SaveKind, asked: string): Promise<void> {
    try {
      await this.take({ kind });
    } catch (error) {
      this.output.print(`${asked}: cannot ${ACTIONS[kind]}: ${(error as Error).message}`);
    }
  }

  /** One at a time; `progress` is for whoever asked from outside. */
  async take(order: VmSaveOrder, progress?: SaveProgress): Promise<SavedSnapshot> {
    if (this.running !== null) throw new Error(`a ${this.running} is on its way`);
    const { kind } = order;
    this.running = kind;
    const start = this.now();
    try {
      const saved = await this.vm.save(order, (done, total) => {
        this.show(kind, done, total);
        progress?.(done, total);
      });
      this.output.progress(null);
      this.report(order, saved, start);
      return saved;
    } catch (error) {
      this.output.progress(null);
      throw error;
    } finally {
      this.running = null;
    }
  }

  private report({ kind, store }: VmSaveOrder, saved: SavedSnapshot, start: number): void {
    this.completed += 1;
    this.newest = saved;
    const { name, bytes } = saved;
    const place = store === undefined ? name : join(store, name);
    const seconds = ((this.now() - start) / 1000).toFixed(2);
    const what = kind === 'suspend' ? `suspended as ${place}` : `snapshot ${place}`;
    this.output.print(`${what}: ${sizeText(bytes)} of memory in ${seconds} s; -r ${place} goes on from there`);
  }

  private show(kind: SaveKind, done: number, total: number): void {
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
    this.output.progress(`${kind}: ${percent} % of ${sizeText(total)}`);
  }
}
