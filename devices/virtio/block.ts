// SPDX-License-Identifier: BSD-2-Clause
/**
 * virtio block device: a disk, `virtio-blk`. Reference: VIRTIO-1.2 §5.2. Not modelled: secure erase, lifetime
 * information, zoned disks.
 */
import type { Width } from '../../src/core/bits.js';
import { StateError } from '../../src/core/state-error.js';
import { bytes, hostString, u64 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import type { BlockBackend } from './block-backend.js';
import {
  BLOCK_CONFIG_LENGTH,
  type BlockConfigOwner,
  BlockFeature,
  blockConfig,
  blockConfigFields,
  blockFeatures,
  MOST_BYTES,
  QUEUE_SIZE,
  SECTOR,
} from './block-config.js';
import { BlockFlights, type DiskLatency, type Flight, flightFields } from './block-flight.js';
import {
  actionFor,
  type BlockAction,
  BlockStatus,
  ID_LENGTH,
  type RequestContext,
  requestParts,
} from './block-request.js';
import type { Chain } from './chain.js';
import { type VirtioHost, type VirtioKind, VirtioModel, type VirtioPciFields } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';

const TYPE = 2;
const CLASS_STORAGE_OTHER = 0x018000;
const REQUESTS_AT_ONCE = 32;

export interface BlockOptions {
  readonly backend: BlockBackend;
  /** What the disk says it is called, at most 20 characters. */
  readonly serial: string;
  readonly queues: number;
  /** Null under a real clock: requests take as long as they take. */
  readonly latency: DiskLatency | null;
}

function shapeFor(common: VirtioPciFields, { backend, queues, serial }: BlockOptions) {
  const fields = {
    ...common,
    ...blockConfigFields,
    ...flightFields,
    serial: bytes(ID_LENGTH, { initial: serialBytes(serial), keepOnReset: true, doc: 'what the disk is called' }),
    capacity: u64({ initial: BigInt(backend.capacity), unit: 'bytes' }),
    medium: hostString({ initial: backend.identity, doc: 'which content the disk had' }),
  };
  return new StateShape('virtio-blk', 1, fields, {
    check: ({ capacity, medium, held }) => {
      const stray = held.findIndex(({ queue }) => queue >= queues);
      if (stray >= 0) throw new StateError(`held[${stray}].queue`, `expected 0 to ${queues - 1}`);
      if (capacity !== BigInt(backend.capacity)) {
        throw new StateError('capacity', `saved with a disk of ${capacity} bytes, here it has ${backend.capacity}`);
      }
      if (medium !== backend.identity) {
        throw new StateError('medium', `saved with a disk of ${medium}, here it is ${backend.identity}`);
      }
    },
  });
}

export type BlockFields = ReturnType<typeof shapeFor>['fields'];
interface BlockState {
  serial: Uint8Array;
  writeCache: boolean;
  held: Flight[];
  submitted: bigint;
}

export class VirtioBlock extends VirtioModel implements BlockConfigOwner {
  readonly backend: BlockBackend;
  private readonly flights: BlockFlights;

  constructor(
    private readonly host: VirtioHost<BlockState>,
    private readonly options: BlockOptions,
  ) {
    super();
    this.backend = options.backend;
    this.flights = new BlockFlights(host, options.backend, options.latency);
  }

  get queueCount(): number {
    return this.options.queues;
  }

  process(queue: VirtioQueue): void {
    this.flights.arm(); // for what could not be seen while the queue was not to be used
    const context = this.context();
    let moved = 0;
    const handle = (chain: Chain): void => {
      moved += this.begin(queue.index, chain, context);
    };
    queue.takeSome(REQUESTS_AT_ONCE, handle, {
      mayGoOn: () => moved < MOST_BYTES,
      // A driver that offers a buffer again before it got it back must not make the list grow for ever.
      isFull: () => this.flights.count(queue.index) >= queue.size,
    });
  }

  override readConfig(offset: number, width: Width): number {
    return blockConfig.read(this.host.state(), this, 0, offset, width);
  }

  override writeConfig(offset: number, width: Width, value: number): void {
    blockConfig.write(this.host.state(), this, 0, offset, width, value);
  }

  setWriteCache(on: boolean): void {
    if (this.host.features & BlockFeature.CONFIG_WCE) this.host.state().writeCache = on;
  }

  override abandon(queue: VirtioQueue): void {
    this.flights.abandon(queue.index);
  }

  override reset(): void {
    this.flights.abandon(null);
    this.host.state().writeCache = true;
  }

  override restored(): void {
    this.flights.arm();
  }

  override pause(): void {
    this.flights.drain();
  }

  override isQuiet(): boolean {
    return this.flights.hostIsIdle;
  }

  override saveRefusal(): string | null {
    const { readOnly, isKept = false } = this.backend;
    return readOnly || isKept
      ? null
      : 'this writable disk cannot be part of a snapshot: only an image file can, without nocache';
  }

  override close(): void {
    try {
      this.flights.abandon(null);
    } finally {
      this.backend.close();
    }
  }

  private begin(queue: number, chain: Chain, context: RequestContext): number {
    const parts = requestParts(this.host.memory, chain);
    const action = actionFor(parts, context);
    const moved = action.kind === 'host' ? action.bytes : 0;
    const { statusAddress } = parts;
    const { status, written } = outcome(action);
    const flight = this.flights.begin(queue, chain, { statusAddress, status, written, bytes: moved });
    if (action.kind === 'host') this.flights.submit(flight, action.request, action.fills);
    else this.flights.hold(flight);
    return moved;
  }

  /** §5.2.6.2: a driver that cannot flush gets a disk that needs no flush. */
  private context(): RequestContext {
    const { host, backend } = this;
    const canFlush = (host.features & BlockFeature.FLUSH) !== 0n;
    const hasSwitch = (host.features & BlockFeature.CONFIG_WCE) !== 0n;
    const durable = hasSwitch ? !host.state().writeCache : !canFlush;
    return { memory: host.memory, backend, serial: host.state().serial, durable };
  }
}

/** §5.2.6: a text of at most 20 bytes, with a zero behind it only if there is room. */
function serialBytes(serial: string): Uint8Array {
  return Uint8Array.from({ length: ID_LENGTH }, (_, index) => serial.charCodeAt(index) & 0x7f);
}

/** What the guest is told if all goes well. */
function outcome(action: BlockAction): Pick<Flight, 'status' | 'written'> {
  if (action.kind === 'answer') return { status: action.status, written: action.filled + 1 };
  let filled = 0;
  for (const { length } of action.fills) filled += length;
  return { status: BlockStatus.OK, written: filled + 1 };
}

export function virtioBlock(options: BlockOptions): VirtioKind<BlockFields, VirtioBlock> {
  const { backend, queues } = options;
  if (backend.capacity % SECTOR !== 0) throw new RangeError(`disk: ${backend.capacity} bytes are not whole sectors`);
  return {
    type: TYPE,
    classCode: CLASS_STORAGE_OTHER,
    features: blockFeatures(backend, queues),
    queueSizes: Array.from({ length: queues }, () => QUEUE_SIZE),
    configLength: BLOCK_CONFIG_LENGTH,
    shape: (common) => shapeFor(common, options),
    create: (host) => new VirtioBlock(host, options),
  };
}
