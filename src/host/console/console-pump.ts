// SPDX-License-Identifier: BSD-2-Clause
/**
 * Moves bytes between a guest's serial line and a stream of the host, at the pace of the slower one: a stream whose
 * bytes the guest has no room for is not read on, and output the stream cannot take stays with the guest.
 */
import type { Readable, Writable } from 'node:stream';
import type { GuestLine } from './guest-line.js';

const NOTHING = new Uint8Array(0);

export interface PumpOptions {
  /** Sees what the stream sent before the guest does. */
  readonly filter?: (bytes: Uint8Array) => Uint8Array;
  /** Lose output instead of waiting: for terminals that may have no reader for hours. */
  readonly dropWhenSlow?: boolean;
}

export class ConsolePump {
  private input: Readable | null = null;
  private output: Writable | null = null;
  private waiting: Uint8Array = NOTHING;

  private readonly onData = (chunk: Uint8Array): void => this.receive(chunk);
  private readonly onDrain = (): void => this.outputReady();

  constructor(
    private readonly line: GuestLine,
    private readonly options: PumpOptions = {},
  ) {}

  get attached(): boolean {
    return this.output !== null;
  }

  /** Bytes that the stream sent and the guest had no room for yet. */
  get pending(): number {
    return this.waiting.length;
  }

  attach(input: Readable, output: Writable): void {
    this.detach();
    this.input = input;
    this.output = output;
    output.on('drain', this.onDrain);
    input.on('data', this.onData);
    this.outputReady();
  }

  /** Leaves the stream. What it sent last and the guest has not taken yet is forgotten with it. */
  detach(): void {
    this.input?.off('data', this.onData);
    this.output?.off('drain', this.onDrain);
    this.input?.pause();
    this.input = null;
    this.output = null;
    this.waiting = NOTHING;
  }

  /** Without a stream the guest's output is lost, as on an unplugged line. */
  outputReady(): void {
    while (this.output === null || this.options.dropWhenSlow || !this.output.writableNeedDrain) {
      const bytes = this.line.takeOutput();
      if (bytes.length === 0) return;
      if (this.output !== null && !this.output.writableNeedDrain) this.output.write(bytes);
    }
  }

  /** Waits until the stream has taken everything; not longer than `limitMs` if that is given. */
  async flush(limitMs?: number): Promise<void> {
    const deadline = limitMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + limitMs;
    this.outputReady();
    while (this.output !== null && this.output.writableLength > 0 && performance.now() < deadline) {
      await written(this.output, deadline - performance.now());
      this.outputReady();
    }
  }

  inputRoom(): void {
    if (this.waiting.length === 0) return;
    this.type();
    if (this.waiting.length === 0) this.input?.resume();
  }

  private receive(chunk: Uint8Array): void {
    const bytes = this.options.filter?.(chunk) ?? chunk;
    this.waiting = this.waiting.length === 0 ? bytes : Buffer.concat([this.waiting, bytes]);
    this.type();
    if (this.waiting.length > 0) this.input?.pause();
  }

  private type(): void {
    while (this.waiting.length > 0) {
      const taken = this.line.offerInput(this.waiting);
      if (taken === 0) return;
      this.waiting = this.waiting.subarray(taken);
    }
  }
}

/** Resolves when the stream has passed on what was written to it, or cannot any more. */
function written(output: Writable, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = Number.isFinite(limitMs) ? setTimeout(resolve, limitMs) : undefined;
    output.write(NOTHING, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
