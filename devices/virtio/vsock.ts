// SPDX-License-Identifier: BSD-2-Clause
/**
 * virtio socket device, `virtio-vsock`: stream connections between programs of the guest and of the host.
 * Reference: VIRTIO-1.2 §5.10. Not modelled: SEQPACKET.
 */
import type { Width } from '../../src/core/bits.js';
import { RegisterMap } from '../../src/core/register-map.js';
import { bool, u64 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { type Chain, RingFault, readSpans, slice, writeSpans } from './chain.js';
import { type VirtioHost, type VirtioKind, VirtioModel, type VirtioPciFields } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';
import type { VsockBackend, VsockMessage, VsockPort } from './vsock-backend.js';
import { decodeVsockHeader, FIRST_GUEST_CID, LAST_GUEST_CID, VSOCK_HEADER } from './vsock-packet.js';
import { type TableState, tableFields, VsockTable } from './vsock-table.js';

const TYPE = 19;
const CLASS_COMMUNICATION_OTHER = 0x078000;
const QUEUE_SIZE = 128;
const Queue = { RECEIVE: 0, TRANSMIT: 1, EVENT: 2 } as const;
const FEATURE_STREAM = 1n << 0n;
const CONFIG_LENGTH = 8;
const PACKETS_AT_ONCE = 64;
const TRANSPORT_RESET = 0;
const EVENT_LENGTH = 4;
/** No driver sends more in a packet, and none has been given more room. */
const LONGEST_DATA = 256 * 1024;

export interface VsockOptions {
  readonly backend: VsockBackend;
  readonly cid: bigint;
}

function shapeFor(common: VirtioPciFields, cid: bigint) {
  return new StateShape('virtio-vsock', 1, {
    ...common,
    cid: u64({
      initial: cid,
      min: FIRST_GUEST_CID,
      max: LAST_GUEST_CID,
      keepOnReset: true,
      doc: 'address of the guest',
    }),
    ...tableFields,
    transportReset: bool({ doc: 'the guest is to hear that all its connections are gone' }),
  });
}

export type VsockFields = ReturnType<typeof shapeFor>['fields'];
interface VsockState extends TableState {
  transportReset: boolean;
}

const config = new RegisterMap<VsockState>(
  {},
  1,
  [{ at: 0, width: 8, name: 'guest_cid', readOnly: true, get: ({ cid }) => cid }],
  { unmapped: 0 },
);

export class VirtioVsock extends VirtioModel implements VsockPort {
  private readonly table: VsockTable;

  constructor(
    private readonly host: VirtioHost<VsockState>,
    private readonly backend: VsockBackend,
  ) {
    super();
    this.table = new VsockTable(() => host.state(), backend);
    backend.attach(this);
  }

  process(queue: VirtioQueue): void {
    switch (queue.index) {
      case Queue.RECEIVE:
        this.deliver(queue);
        break;
      case Queue.TRANSMIT:
        this.listen(queue);
        break;
      case Queue.EVENT:
        this.tellEvent(queue);
        break;
    }
  }

  /** Nothing is written into guest memory here: what the guest is to hear waits for the queue's next turn. */
  receive(message: VsockMessage): void {
    const queue = this.host.queue(Queue.RECEIVE);
    this.table.hearHost(message, queue.isLive);
    if (this.table.hasPacket) queue.defer();
  }

  roomAgain(): void {
    for (const index of [Queue.RECEIVE, Queue.TRANSMIT]) {
      const queue = this.host.queue(index);
      if (queue.isStalled) queue.defer();
    }
  }

  override readConfig(offset: number, width: Width): number {
    return config.read(this.host.state(), undefined, 0, offset, width);
  }

  override reset(): void {
    this.table.reset();
    this.host.state().transportReset = false;
  }

  /** §5.10.6.7: in another process there is nobody at the other ends. */
  override rejoined(): void {
    if (!this.backend.isLive) return;
    this.table.clear();
    if (!this.host.queue(Queue.EVENT).isSetUp) return;
    this.host.state().transportReset = true;
    this.host.queue(Queue.EVENT).defer();
  }

  override close(): void {
    this.backend.close();
  }

  private listen(queue: VirtioQueue): void {
    const handle = (chain: Chain): void => {
      this.hear(chain);
      queue.use(chain, 0);
    };
    queue.takeSome(PACKETS_AT_ONCE, handle, { isFull: () => this.isCrowded });
    this.host.process(Queue.RECEIVE);
  }

  private get isCrowded(): boolean {
    return this.table.isCrowded || this.backend.isCrowded;
  }

  private hear({ readable, readableLength }: Chain): void {
    if (readableLength < VSOCK_HEADER) throw new RingFault(`a packet of ${readableLength} bytes, less than a header`);
    const { memory } = this.host;
    const header = decodeVsockHeader(readSpans(memory, slice(readable, 0, VSOCK_HEADER)));
    if (header.srcCid !== this.host.state().cid) return; // §5.10.4: nobody would hear an answer
    const isWhole = header.len <= Math.min(readableLength - VSOCK_HEADER, LONGEST_DATA);
    this.table.hearGuest(header, isWhole ? readSpans(memory, slice(readable, VSOCK_HEADER, header.len)) : null);
  }

  private deliver(queue: VirtioQueue): void {
    let count = 0;
    for (; count < PACKETS_AT_ONCE && this.table.hasPacket; count += 1) {
      if (this.backend.isCrowded) {
        queue.stall(); // it is told of every packet
        break;
      }
      const chain = queue.take();
      if (chain === null) break;
      const room = chain.writableLength - VSOCK_HEADER;
      if (room <= 0) throw new RingFault(`a receive buffer of ${chain.writableLength} bytes, no more than a header`);
      queue.use(chain, writeSpans(this.host.memory, chain.writable, this.table.nextPacket(room)));
    }
    if (count === PACKETS_AT_ONCE) queue.defer();
    const transmit = this.host.queue(Queue.TRANSMIT);
    if (transmit.isStalled && !this.isCrowded) transmit.defer();
  }

  private tellEvent(queue: VirtioQueue): void {
    const state = this.host.state();
    const chain = state.transportReset ? queue.take() : null;
    if (chain === null) return;
    if (chain.writableLength < EVENT_LENGTH) throw new RingFault(`an event buffer of ${chain.writableLength} bytes`);
    const event = new Uint8Array(EVENT_LENGTH);
    new DataView(event.buffer).setUint32(0, TRANSPORT_RESET, true);
    queue.use(chain, writeSpans(this.host.memory, chain.writable, event));
    state.transportReset = false;
  }
}

export function virtioVsock({ backend, cid }: VsockOptions): VirtioKind<VsockFields, VirtioVsock> {
  return {
    type: TYPE,
    classCode: CLASS_COMMUNICATION_OTHER,
    features: FEATURE_STREAM,
    queueSizes: [QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE],
    configLength: CONFIG_LENGTH,
    shape: (common) => shapeFor(common, cid),
    create: (host) => new VirtioVsock(host, backend),
  };
}
