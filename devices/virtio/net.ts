// SPDX-License-Identifier: BSD-2-Clause
/**
 * virtio network card, `virtio-net`. Reference: VIRTIO-1.2 §5.1. Not modelled: several queue pairs, RSS, VLAN filters,
 * offloads changed while it runs, UFO, USO and ECN, RSC, notification coalescing.
 */
import type { Width } from '../../src/core/bits.js';
import { StateError } from '../../src/core/state-error.js';
import { u64 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { type Chain, RingFault, readSpans, slice, writeSpans } from './chain.js';
import { Feature } from './features.js';
import { type Frame, LONGEST_FRAME, type NetBackend, type NetPort, SHORTEST_FRAME } from './net-backend.js';
import {
  LARGEST_MTU,
  NET_CONFIG_LENGTH,
  type NetConfigOwner,
  type NetConfigState,
  NetFeature,
  netConfig,
  netConfigFields,
  netFeatures,
  SMALLEST_MTU,
} from './net-config.js';
import { control, LONGEST_COMMAND } from './net-control.js';
import { type FilterState, filterFields, freshFilter, passesFilter } from './net-filter.js';
import { askedByDriver, decodeHeader, forGuest, Gso, HEADER, LEGACY_HEADER } from './net-header.js';
import { MOST_WAITING_BYTES, NetReceiver, type ReceiveState, receiveFields, waitingBytes } from './net-receive.js';
import { type VirtioHost, type VirtioKind, VirtioModel, type VirtioPciFields } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';

const TYPE = 1;
const CLASS_ETHERNET = 0x020000;
const QUEUE_SIZE = 256;
const Queue = { RECEIVE: 0, TRANSMIT: 1, CONTROL: 2 } as const;
const BUFFERS_AT_ONCE = 64;
/** Addresses and type, and the tag of a VLAN. */
const AROUND_MTU = 18;
const ACK_OK = 0;
const ACK_ERR = 1;

export interface NetOptions {
  readonly backend: NetBackend;
  readonly mac: Uint8Array;
  /** Null: the driver is told none, and chooses. */
  readonly mtu: number | null;
}

function shapeFor(common: VirtioPciFields, { mac, mtu }: NetOptions) {
  const fields = {
    ...common,
    ...netConfigFields(mac, mtu),
    ...filterFields,
    ...receiveFields,
    lostIn: u64({ doc: 'frames for the guest that were lost here' }),
    lostOut: u64({ doc: 'frames of the guest that were lost here' }),
  };
  return new StateShape('virtio-net', 1, fields, {
    check: (state) => {
      const here = mtu ?? 0;
      if (state.mtu !== here) throw new StateError('mtu', `saved with ${state.mtu}, here it is ${here}`);
      const total = waitingBytes(state.waiting);
      if (total > MOST_WAITING_BYTES) {
        throw new StateError('waiting', `expected at most ${MOST_WAITING_BYTES} bytes, got ${total}`);
      }
    },
  });
}

export type NetFields = ReturnType<typeof shapeFor>['fields'];
interface NetState extends NetConfigState, FilterState, ReceiveState {
  lostIn: bigint;
  lostOut: bigint;
}

export class VirtioNet extends VirtioModel implements NetConfigOwner, NetPort {
  private readonly receiver: NetReceiver;

  constructor(
    private readonly host: VirtioHost<NetState>,
    private readonly backend: NetBackend,
  ) {
    super();
    this.receiver = new NetReceiver(host, () => this.headerLength);
    backend.attach(this);
  }

  process(queue: VirtioQueue): void {
    switch (queue.index) {
      case Queue.RECEIVE:
        this.lose('lostIn', this.receiver.deliver(queue));
        break;
      case Queue.TRANSMIT:
        this.work(queue, (chain) => this.transmit(chain));
        break;
      case Queue.CONTROL:
        this.work(queue, (chain) => this.command(chain));
        break;
    }
  }

  /** A card that no driver has started hears nothing. */
  receive(frame: Frame): void {
    const state = this.host.state();
    const queue = this.host.queue(Queue.RECEIVE);
    const { bytes } = frame;
    if (!queue.isLive || bytes.length < SHORTEST_FRAME || bytes.length > LONGEST_FRAME) {
      this.lose('lostIn', 1);
      return;
    }
    if (!passesFilter(state, state.mac, bytes)) return;
    this.host.guarded(() => {
      const finished = forGuest(frame, this.host.features);
      const isAccepted = finished !== null && this.receiver.accept(queue, finished);
      this.lose('lostIn', isAccepted ? 0 : 1);
      queue.flush();
    });
  }

  setLink(up: boolean): void {
    const state = this.host.state();
    if (state.linkUp === up) return;
    state.linkUp = up;
    if (this.host.features & NetFeature.STATUS) this.host.configChanged();
  }

  /** §5.1.6.5.4: switches outside may have forgotten where the guest is. A wire within the machine has not. */
  override rejoined(): void {
    if (!this.backend.isLive) return;
    this.setLink(true); // its back end would not be there otherwise
    if (!(this.host.features & NetFeature.GUEST_ANNOUNCE)) return;
    this.host.state().announce = true;
    this.host.configChanged();
  }

  override readConfig(offset: number, width: Width): number {
    return netConfig.read(this.host.state(), this, 0, offset, width);
  }

  override writeConfig(offset: number, width: Width, value: number): void {
    netConfig.write(this.host.state(), this, 0, offset, width, value);
  }

  /** §5.1.4.2: a modern driver has a command for it. */
  setMacByte(index: number, value: number): void {
    if (!(this.host.features & Feature.VERSION_1)) this.host.state().mac[index] = value;
  }

  override abandon(queue: VirtioQueue): void {
    if (queue.index === Queue.RECEIVE) this.host.state().waiting = [];
  }

  override reset(): void {
    const state = this.host.state();
    Object.assign(state, freshFilter(), { mac: state.ownMac.slice(), announce: false, waiting: [] });
  }

  override close(): void {
    this.backend.close();
  }

  private work(queue: VirtioQueue, use: (chain: Chain) => number): void {
    for (let count = 0; count < BUFFERS_AT_ONCE; count += 1) {
      const chain = queue.take();
      if (chain === null) return;
      queue.use(chain, use(chain));
    }
    queue.defer();
  }

  private transmit(chain: Chain): number {
    const frame = this.frameIn(chain);
    if (frame === null || !this.backend.send(frame)) this.lose('lostOut', 1);
    return 0;
  }

  /** Null for what no card would send. */
  private frameIn({ readable, readableLength }: Chain): Frame | null {
    const { memory, features } = this.host;
    const length = readableLength - this.headerLength;
    if (length < SHORTEST_FRAME || length > LONGEST_FRAME) return null;
    const asked = decodeHeader(readSpans(memory, slice(readable, 0, LEGACY_HEADER)));
    const header = askedByDriver(asked, length, features);
    if (header === null || (header.gsoType === Gso.NONE && length > this.longestSent)) return null;
    return { header, bytes: readSpans(memory, slice(readable, this.headerLength, length)) };
  }

  private command({ readable, readableLength, writable, writableLength }: Chain): number {
    if (writableLength < 1) throw new RingFault('a command without room for the answer');
    const { memory, features } = this.host;
    const isSound =
      readableLength <= LONGEST_COMMAND && control(this.host.state(), readSpans(memory, readable), features);
    return writeSpans(memory, writable, Uint8Array.of(isSound ? ACK_OK : ACK_ERR));
  }

  /** §5.1.6.1: the legacy header has no `num_buffers` unless buffers can be merged. */
  private get headerLength(): number {
    return this.host.features & (Feature.VERSION_1 | NetFeature.MRG_RXBUF) ? HEADER : LEGACY_HEADER;
  }

  private get longestSent(): number {
    const { mtu } = this.host.state();
    return mtu === 0 ? LONGEST_FRAME : mtu + AROUND_MTU;
  }

  private lose(counter: 'lostIn' | 'lostOut', count: number): void {
    const state = this.host.state();
    state[counter] = BigInt.asUintN(64, state[counter] + BigInt(count));
  }
}

export function virtioNet(options: NetOptions): VirtioKind<NetFields, VirtioNet> {
  const { backend, mtu } = options;
  if (mtu !== null && !(mtu >= SMALLEST_MTU && mtu <= LARGEST_MTU)) {
    throw new RangeError(`mtu: expected ${SMALLEST_MTU} to ${LARGEST_MTU}, got ${mtu}`);
  }
  return {
    type: TYPE,
    classCode: CLASS_ETHERNET,
    features: netFeatures(backend.offloads, mtu),
    queueSizes: [QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE],
    configLength: NET_CONFIG_LENGTH,
    shape: (common) => shapeFor(common, options),
    create: (host) => new VirtioNet(host, backend),
  };
}
