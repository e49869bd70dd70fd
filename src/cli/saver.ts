// SPDX-License-Identifier: BSD-2-Clause
/** Suspends and snapshots that a person asks for by a key or a signal, and what that person hears about them. */
import { join } from 'node:path';
import type { SavedSnapshot, SaveKind } from '../machine/thread-save.js';
import { ProgressLine } from './progress-line.js';
import { sizeText } from './sizes.js';
import type { Vm, VmSaveOrder } from './vm.js';

export interface SaverOutput {
  print(line: string): void;
  /** A line that the next one replaces; null takes it away. */
  progress(text: string | null): void;
}

const ACTIONS: Readonly<Record<SaveKind, string>> = { suspend: 'suspend', snapshot: 'take a snapshot' };

/** Somebody did not want it any more; everybody has been told. */
export class SaveCancelled extends Error {
  override readonly name = 'SaveCancelled';
}

export type SaveProgress = (done: number, total: number) => void;

export class Saver {
  private running: SaveKind | null = null;
  private cancelledBy: string | null = null;
  private suspended = false;
  private completed = 0;
  private newest: SavedSnapshot | null = null;
  private waiters: (() => void)[] = [];

  /** `now` gives milliseconds that never go back. */
  constructor(
    private readonly vm: Pick<Vm, 'save' | 'cancelSave'>,
    private readonly output: SaverOutput,
    private readonly now: () => number,
  ) {}

  /** What is being saved; null if nothing is. */
  get active(): SaveKind | null {
    return this.running;
  }

  /** The VM goes on elsewhere. */
  get isSuspended(): boolean {
    return this.suspended;
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
      if (error instanceof SaveCancelled) return;
      const way = this.running === null ? '' : '; Ctrl-A c on the console cancels it';
      this.output.print(`${asked}: cannot ${ACTIONS[kind]}: ${(error as Error).message}${way}`);
    }
  }

  /** One at a time; `progress` is for whoever asked from outside. */
  async take(order: VmSaveOrder, progress?: SaveProgress): Promise<SavedSnapshot> {
    if (this.running !== null) throw new Error(`a ${this.running} is on its way`);
    const { kind } = order;
    this.running = kind;
    const start = this.now();
    const line = new ProgressLine((text) => this.output.progress(`${kind}: ${text}`), this.now);
    try {
      const saved = await this.vm.save(order, (done, total) => {
        line.update(done, total);
        progress?.(done, total);
      });
      this.output.progress(null);
      this.report(order, saved, start);
      return saved;
    } catch (error) {
      this.output.progress(null);
      if (this.cancelledBy === null) throw error;
      const what = `${kind} cancelled; the VM runs on`;
      this.output.print(`${this.cancelledBy}: ${what}`);
      throw new SaveCancelled(what, { cause: error });
    } finally {
      this.running = null;
      this.cancelledBy = null;
      for (const resolve of this.waiters.splice(0)) resolve();
    }
  }

  /** Gives up what is on its way, and the guest goes on. False if it is too late, or there is nothing. */
  async cancel(asked: string): Promise<boolean> {
    const kind = this.running;
    if (kind === null) {
      this.output.print(`${asked}: nothing is being saved`);
      return false;
    }
    this.cancelledBy = asked;
    const cancelled = await this.vm.cancelSave();
    if (cancelled) return true;
    this.cancelledBy = null;
    this.output.print(`${asked}: too late to cancel the ${kind}`);
    return false;
  }

  /** Resolves when nothing is on its way any more. */
  async idle(): Promise<void> {
    while (this.running !== null) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  private report({ kind, store }: VmSaveOrder, saved: SavedSnapshot, start: number): void {
    if (kind === 'suspend') this.suspended = true;
    this.completed += 1;
    this.newest = saved;
    const { name, bytes } = saved;
    const place = store === undefined ? name : join(store, name);
    const seconds = ((this.now() - start) / 1000).toFixed(2);
    const what = kind === 'suspend' ? `suspended as ${place}` : `snapshot ${place}`;
    this.output.print(`${what}: ${sizeText(bytes)} of memory in ${seconds} s; -r ${place} goes on from there`);
  }
}
