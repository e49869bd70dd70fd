// SPDX-License-Identifier: BSD-2-Clause
/**
 * Any native image as a guest's disk. With a queue, requests are done on native threads beside the guest; without one,
 * everything is done when `submit` returns, which is what the virtual clock needs.
 */
import type { BlockBackend, BlockDone, BlockRequest, BlockResult } from '../../../devices/virtio/block-backend.js';
import { type Logger, nullLogger } from '../../core/log.js';
import type { DiskImage, ImageRequest } from '../../hypervisor/disk-image.js';
import { HostError, systemErrorText } from '../host-error.js';
import type { DiskQueue } from './disk-queue.js';

/** What is known of an image, whichever kind it is. */
export interface DiskFacts {
  /** In messages: `disk PATH`. */
  readonly name: string;
  /** Bytes, a multiple of 512. */
  readonly capacity: number;
  readonly readOnly: boolean;
  readonly logicalBlock: number;
  readonly physicalBlock: number;
  readonly canDiscard: boolean;
  /** Differs when the content may have changed behind our back. */
  readonly identity: string;
}

export interface ImageBackendOptions {
  readonly queue?: DiskQueue | null;
  readonly log?: Logger;
  /** A host that takes longer than this for a request will not finish it. */
  readonly patienceMilliseconds?: number;
}

/** Longer than a disk that spins up, or a controller that resets its bus, needs. */
const PATIENCE_MS = 30_000;
/** For one that has used that up and has done nothing since: whoever closes the disk need not wait as long again. */
const PATIENCE_LOST_MS = 1000;
const TOKENS = 2 ** 32;
/** Bytes of a read that the guest may stand still for. */
const LONGEST_CACHED = 64 * 1024;

interface InFlight extends Pick<BlockRequest, 'kind'> {
  readonly done: BlockDone;
}

export class ImageBackend implements BlockBackend {
  readonly capacity: number;
  readonly readOnly: boolean;
  readonly logicalBlock: number;
  readonly physicalBlock: number;
  readonly canDiscard: boolean;
  readonly identity: string;
  private readonly name: string;
  private readonly queue: DiskQueue | null;
  private readonly source: number;
  private readonly log: Logger;
  private readonly patience: number;
  private readonly inFlight = new Map<number, InFlight>();
  private nextToken = 0;
  private hasHung = false;

  constructor(
    private readonly image: DiskImage,
    facts: DiskFacts,
    { queue = null, log = nullLogger, patienceMilliseconds = PATIENCE_MS }: ImageBackendOptions = {},
  ) {
    this.name = facts.name;
    this.capacity = facts.capacity;
    this.readOnly = facts.readOnly;
    this.logicalBlock = facts.logicalBlock;
    this.physicalBlock = facts.physicalBlock;
    this.canDiscard = facts.canDiscard;
    this.identity = facts.identity;
    this.queue = queue;
    this.source = queue?.events.register((token, error) => this.finished(token, error)) ?? 0;
    this.log = log;
    this.patience = patienceMilliseconds;
  }

  submit(request: BlockRequest, done: BlockDone): void {
    if (this.readOnly && request.kind !== 'read') {
      done(request.kind === 'flush' ? 'ok' : 'error');
      return;
    }
    if (this.queue !== null && this.readCached(request, this.queue)) {
      done('ok');
      return;
    }
    const work = this.workOf(request);
    // Where too much is on its way already, this request is the machine's own thread's.
    if (this.queue !== null && this.start({ kind: request.kind, done }, work, this.queue)) return;
    done(this.resultOf(request, this.image.perform(work)));
  }

  wait(): void {
    const { queue, inFlight } = this;
    if (queue === null || inFlight.size === 0) throw new Error(`${this.name}: nothing is in flight`);
    const patience = this.hasHung ? Math.min(PATIENCE_LOST_MS, this.patience) : this.patience;
    if (queue.events.dispatchOne(this.source, patience)) return;
    this.hasHung = true;
    const requests = inFlight.size === 1 ? 'a request' : `${inFlight.size} requests`;
    throw new HostError(this.name, `the host has not finished ${requests} after ${patience / 1000} s`);
  }

  close(): void {
    this.image.close();
  }

  /** True if that was all. To wake a thread, and to be woken by it, costs more than to copy what is there. */
  private readCached(request: BlockRequest, { threads }: DiskQueue): boolean {
    if (request.kind !== 'read' || request.length > LONGEST_CACHED) return false;
    return threads.readCached(this.image, request.offset, request.memory);
  }

  private start(request: InFlight, work: ImageRequest, { threads }: DiskQueue): boolean {
    const token = this.nextToken;
    if (!threads.submit(this.image, this.source, token, work)) return false;
    this.nextToken = (token + 1) % TOKENS;
    this.inFlight.set(token, request);
    return true;
  }

  private finished(token: number, error: number): void {
    const request = this.inFlight.get(token);
    if (request === undefined) return;
    this.inFlight.delete(token);
    this.hasHung = false;
    request.done(this.resultOf(request, error));
  }

  /** Space is given back only where the user allows it. */
  private workOf(request: BlockRequest): ImageRequest {
    return request.kind === 'zero' ? { ...request, unmap: request.unmap && this.canDiscard } : request;
  }

  /** The guest is told as a disk that fails would tell it; its host's owner learns why. */
  private resultOf({ kind }: Pick<BlockRequest, 'kind'>, error: number): BlockResult {
    if (error === 0) return 'ok';
    const reason = systemErrorText(error);
    if (reason.code === 'EOPNOTSUPP' || reason.code === 'ENOTSUP') return 'unsupported';
    this.log.once(`${this.name} ${kind} ${error}`).warn(`${this.name}: ${kind}: ${reason.text}`);
    return 'error';
  }
}
