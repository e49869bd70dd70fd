// SPDX-License-Identifier: BSD-2-Clause
/**
 * Moves bytes between a guest's serial line and a stream of the host, at the pace of the slower one: a stream whose
 * bytes the guest has no room for is not read on, and output the stream cannot take stays with the guest. While input is
 * held the guest gets none: it is being suspended, and what it gets now would be lost.
 */
import type { Readable, Writable } from 'node:stream';
import type { GuestLine } from './guest-line.js';

const NOTHING = new Uint8Array(0);
/** Nobody types this much while a guest is saved; somebody pastes it, and the keys can wait. */
const MUCH_HELD = 256 * 1024;
/** Written at once, so that it shows soon that a stream which is slow does take something. */
const PIECE = 64 * 1024;

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
  /** Output that the guest has got rid of and the stream has not got. */
  private unsent: Uint8Array = NOTHING;
  private held = false;

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
    if (this.held) input.pause();
    this.outputReady();
  }

  /** Leaves the stream. What it sent last and the guest has not taken yet is forgotten with it. */
  detach(): void {
    this.input?.off('data', this.onData);
    this.output?.off('drain', this.onDrain);
    this.input?.pause();
    this.input = null;
    this.output = null;
    this.unsent = NOTHING;
    if (!this.held) this.waiting = NOTHING;
  }

  /** Bytes that came although input is held; some streams read ahead, and a terminal is read on for its keys. */
  get late(): number {
    return this.held ? this.waiting.length + (this.input?.readableLength ?? 0) : 0;
  }

  /** Leaves input where it is from now on. Resolves to what has been read and the guest has not got. */
  async hold(): Promise<Uint8Array> {
    this.held = true;
    // A stream may have read more than it has handed out; it does so before anything new can come.
    this.input?.resume();
    await new Promise<void>((resolve) => process.nextTick(resolve));
    if (this.options.filter === undefined) this.input?.pause();
    const read = this.waiting;
    this.waiting = NOTHING;
    return read;
  }

  release(): void {
    this.held = false;
    this.type();
    if (this.waiting.length === 0) this.input?.resume();
  }

  /** Without a stream the guest's output is lost, as on an unplugged line. */
  outputReady(): void {
    while (this.output === null || this.options.dropWhenSlow || !this.output.writableNeedDrain) {
      const bytes = this.nextOutput();
      if (bytes.length === 0) return;
      if (this.output !== null && !this.output.writableNeedDrain) this.output.write(bytes);
    }
  }

  /** Waits until the stream has taken everything; not longer than `limitMs` if that is given. */
  async flush(limitMs?: number): Promise<void> {
    const deadline = limitMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + limitMs;
    this.outputReady();
    while (
      this.output !== null &&
      this.unsent.length + this.output.writableLength > 0 &&
      performance.now() < deadline
    ) {
      await written(this.output, deadline - performance.now());
      this.outputReady();
    }
  }

  inputRoom(): void {
    if (this.held || this.waiting.length === 0) return;
    this.type();
    if (this.waiting.length === 0) this.input?.resume();
  }

  private nextOutput(): Uint8Array {
    if (this.output === null || this.options.dropWhenSlow) return this.line.takeOutput();
    if (this.unsent.length === 0) this.unsent = this.line.takeOutput();
    const piece = this.unsent.subarray(0, PIECE);
    this.unsent = this.unsent.subarray(PIECE);
    return piece;
  }

  private receive(chunk: Uint8Array): void {
    const bytes = this.options.filter?.(chunk) ?? chunk;
    this.waiting = this.waiting.length === 0 ? bytes : Buffer.concat([this.waiting, bytes]);
    if (!this.held) this.type();
    if (this.waiting.length > (this.held ? MUCH_HELD : 0)) this.input?.pause();
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

/** For a client of a VM that has been suspended: sockets are read ahead, and nothing can be put back. */
export function lateInputLine(bytes: number): string {
  return `\r\ntsbhyve: the VM is suspended, and the last ${bytes} bytes came too late for it\r\n`;
}
