// SPDX-License-Identifier: BSD-2-Clause
/** A console of a machine that runs on another thread: bounded both ways, although the thread answers later. */
import type { GuestLine } from '../host/console/guest-line.js';

/** Typed at once; the machine keeps more for a guest that is slow to read. */
const PIECE = 4096;
const RETRY_MS = 20;
/** With so much output that nobody takes, the guest has to wait. */
const MUCH_OUTPUT = 1024 * 1024;

export interface LineEnds {
  /** Types on the guest's console; resolves to the number of bytes there was room for. */
  type(bytes: Uint8Array): Promise<number>;
  inputRoom(): void;
  outputReady(): void;
  /** Stops and starts the guest: the only way to make it write less. */
  hold(held: boolean): void;
}

export class VmLine implements GuestLine {
  private output: Uint8Array[] = [];
  private outputLength = 0;
  private held = false;
  private typing = false;
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
    if (this.typing) return 0;
    const piece = bytes.slice(0, PIECE);
    this.typing = true;
    void this.typeAll(piece);
    return piece.length;
  }

  /** Resolves once the machine has all that was typed so far, or takes no more. */
  inputSettled(): Promise<void> {
    return this.typing ? new Promise((resolve) => this.waiters.push(resolve)) : Promise.resolve();
  }

  private async typeAll(piece: Uint8Array): Promise<void> {
    try {
      for (let rest = piece; rest.length > 0; ) {
        const taken = await this.ends.type(rest);
        rest = rest.subarray(taken);
        if (taken > 0) continue;
        this.settle();
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    } catch {
      // The machine has stopped; nobody will read this any more.
    }
    this.typing = false;
    this.ends.inputRoom();
    if (!this.typing) this.settle();
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
