// SPDX-License-Identifier: BSD-2-Clause
/** A console of a machine that runs on another thread: bounded both ways, although the thread answers later. */
import type { VmConsole } from './vm.js';

const NOTHING = new Uint8Array(0);

/** Typed at once; the machine keeps more for a guest that is slow to read. */
const PIECE = 4096;
const RETRY_MS = 20;
/** With so much output that nobody takes, no more of it is fetched. */
const MUCH_OUTPUT = 1024 * 1024;

export interface LineEnds {
  /** Types on the guest's console; resolves to the number of bytes there was room for. */
  type(bytes: Uint8Array): Promise<number>;
  /** Types what would otherwise be lost. */
  typeAll(bytes: Uint8Array): Promise<void>;
  /** Somebody has come to the other end, or has left it. */
  attached(isAttached: boolean): void;
  /** The terminal at the other end has this size. */
  resized(columns: number, rows: number): void;
  inputRoom(): void;
  outputReady(): void;
  /** Leaves what the guest writes with the machine, or fetches it again; never within this call. */
  hold(held: boolean): void;
}

export class VmLine implements VmConsole {
  private output: Uint8Array[] = [];
  private outputLength = 0;
  private held = false;
  /** What the machine has not taken of the piece that is on its way. */
  private rest: Uint8Array = NOTHING;
  private typing: Promise<void> | null = null;
  private finishing = false;
  private waiters: (() => void)[] = [];

  constructor(private readonly ends: LineEnds) {}

  /** Output of the guest. */
  receive(bytes: Uint8Array): void {
    this.output.push(bytes);
    this.outputLength += bytes.length;
    this.ends.outputReady();
    this.hold(this.outputLength > MUCH_OUTPUT);
  }

  takeOutput(): Uint8Array {
    const bytes = Buffer.concat(this.output);
    this.output = [];
    this.outputLength = 0;
    this.hold(false);
    return bytes;
  }

  offerInput(bytes: Uint8Array): number {
    if (this.typing !== null || this.finishing) return 0;
    const piece = bytes.slice(0, PIECE);
    this.rest = piece;
    this.typing = this.typePiece();
    return piece.length;
  }

  attached(isAttached: boolean): void {
    this.ends.attached(isAttached);
  }

  resized(columns: number, rows: number): void {
    this.ends.resized(columns, rows);
  }

  async finishInput(more: Uint8Array): Promise<void> {
    this.finishing = true;
    await this.typing;
    const bytes = Buffer.concat([this.rest, more]);
    this.rest = NOTHING;
    try {
      if (bytes.length > 0) await this.ends.typeAll(bytes);
    } finally {
      this.finishing = false;
    }
  }

  /** Resolves once the machine has all that was typed so far, or takes no more. */
  inputSettled(): Promise<void> {
    return this.typing === null ? Promise.resolve() : new Promise((resolve) => this.waiters.push(resolve));
  }

  private async typePiece(): Promise<void> {
    try {
      while (this.rest.length > 0 && !this.finishing) {
        const taken = await this.ends.type(this.rest);
        this.rest = this.rest.subarray(taken);
        if (taken > 0) continue;
        this.settle();
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref()); // a guest that never reads keeps no process
      }
    } catch {
      // The machine has stopped; nobody will read this any more.
      this.rest = NOTHING;
    }
    this.typing = null;
    if (!this.finishing) this.ends.inputRoom();
    if (this.typing === null) this.settle();
  }

  private settle(): void {
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  private hold(held: boolean): void {
    if (held === this.held) return;
    this.held = held;
    this.ends.hold(held);
  }
}
