// SPDX-License-Identifier: BSD-2-Clause
import type { BlockBackend, BlockDone, BlockRequest, BlockResult } from '../../devices/virtio/block-backend.js';

export interface MemoryDiskOptions {
  readonly readOnly?: boolean;
  readonly canDiscard?: boolean;
  /** Requests are done when somebody waits, or calls `finish`. */
  readonly late?: boolean;
  readonly isKept?: boolean;
}

/** A disk in an array, which does its work at once or late, and writes down what it was asked. */
export class MemoryDisk implements BlockBackend {
  readonly capacity: number;
  readonly readOnly: boolean;
  readonly canDiscard: boolean;
  readonly logicalBlock = 512;
  readonly physicalBlock = 4096;
  readonly identity = 'memory';
  readonly isKept: boolean;
  readonly asked: string[] = [];
  readonly waiting: { readonly request: BlockRequest; readonly done: BlockDone }[] = [];
  readonly bytes: Uint8Array;
  isClosed = false;
  /** What the next requests answer instead of working. */
  failure: BlockResult | null = null;
  private readonly late: boolean;

  constructor(
    bytes: Uint8Array,
    { readOnly = false, canDiscard = true, late = false, isKept = false }: MemoryDiskOptions = {},
  ) {
    this.bytes = bytes;
    this.capacity = bytes.length;
    this.readOnly = readOnly;
    this.canDiscard = canDiscard;
    this.late = late;
    this.isKept = isKept;
  }

  submit(request: BlockRequest, done: BlockDone): void {
    const range = 'offset' in request ? ` ${request.offset}+${request.length}` : '';
    const durable = 'durable' in request && request.durable ? ' durable' : '';
    this.asked.push(`${request.kind}${range}${durable}`);
    if (this.late) this.waiting.push({ request, done });
    else done(this.perform(request));
  }

  wait(): void {
    if (this.waiting.length === 0) throw new Error('nothing is in flight');
    this.finish(0);
  }

  /** Ends one of the waiting requests. */
  finish(index: number): void {
    const [next] = this.waiting.splice(index, 1);
    next?.done(this.perform(next.request));
  }

  close(): void {
    this.isClosed = true;
  }

  private perform(request: BlockRequest): BlockResult {
    if (this.failure !== null) return this.failure;
    if (request.kind === 'flush') return 'ok';
    let at = request.offset;
    switch (request.kind) {
      case 'read':
        for (const view of request.memory) {
          view.set(this.bytes.subarray(at, at + view.length));
          at += view.length;
        }
        break;
      case 'write':
        for (const view of request.memory) {
          this.bytes.set(view, at);
          at += view.length;
        }
        break;
      case 'discard':
        this.bytes.fill(0xdd, at, at + request.length);
        break;
      case 'zero':
        this.bytes.fill(0, at, at + request.length);
        break;
    }
    return 'ok';
  }
}
