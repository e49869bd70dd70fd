// SPDX-License-Identifier: BSD-2-Clause
/**
 * virtio network card, `virtio-net`. Reference: VIRTIO-1.2 §5.1, VIRTIO-1.3 for segments of UDP. Not modelled: RSS, VLAN
 * filters, UFO and ECN, RSC, notification coalescing.
 */
import type { Width } from '../../src/core/bits.js';
import { type Chain, RingFault, readSpans, readSpansInto, viewSpans, writeSpans } from './chain.js';
import { Feature } from './features.js';
import { drawnAddress, sameAddress } from './net-address.js';
import { type NetAgreement, netAgreement } from './net-agreement.js';
import { type Frame, LONGEST_FRAME, type NetBackend, type NetPort, SHORTEST_FRAME } from './net-backend.js';
import {
  guestOffloads,
  LARGEST_MTU,
  MOST_PAIRS,
  NET_CONFIG_LENGTH,
  type NetConfigOwner,
  NetFeature,
  netConfig,
  netFeatures,
  SMALLEST_MTU,
} from './net-config.js';
import { control, LONGEST_COMMAND } from './net-control.js';
import { freshFilter, passesFilter } from './net-filter.js';
import { askedByDriver, decodeHeader, forGuest, LEGACY_HEADER } from './net-header.js';
import { exceedsMtu } from './net-mtu.js';
import { NetReceiver } from './net-receive.js';
import { type NetFields, type NetOptions, type NetState, netShape } from './net-state.js';
import { pairFor } from './net-steering.js';
import { type VirtioHost, type VirtioKind, VirtioModel } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';

const TYPE = 1;
const CLASS_ETHERNET = 0x020000;
const QUEUE_SIZE = 256;
const QUEUES_A_PAIR = 2;
const BUFFERS_AT_ONCE = 64;
const ACK_OK = 0;
const ACK_ERR = 1;

/** What a queue is for (§5.1.2); its number alone does not tell. */
type Role =
  | { readonly kind: 'receive' | 'transmit'; readonly pair: number }
  | { readonly kind: 'control' }
  | { readonly kind: 'none' };

export class VirtioNet extends VirtioModel implements NetConfigOwner, NetPort {
  private readonly backend: NetBackend;
  private readonly receiver: NetReceiver;
  /** What the back end was told last, and whether it was refused room since. Both follow from the state soon enough. */
  private told = 0n;
  private wasFull = false;
  /** That of the last question: it is asked for every frame. */
  private lastAgreement = netAgreement(0n, 0n);
  private readonly head = new Uint8Array(LEGACY_HEADER);
  /** For a frame in several pieces. */
  private readonly spare = new Uint8Array(LONGEST_FRAME);

  constructor(
    private readonly host: VirtioHost<NetState>,
    private readonly options: NetOptions,
  ) {
    super();
    this.backend = options.backend;
    this.receiver = new NetReceiver(host, () => this.agreement);
    this.backend.attach(this);
  }

  get mostPairs(): number {
    return this.options.pairs;
  }

  get hasRoom(): boolean {
    const { hasRoom } = this.receiver;
    if (!hasRoom) this.wasFull = true;
    return hasRoom;
  }

  process(queue: VirtioQueue): void {
    this.tellBackend();
    const role = this.roleOf(queue.index);
    switch (role.kind) {
      case 'receive':
        this.lose('lostIn', this.receiver.deliver(queue, role.pair));
        this.tellOfRoom();
        break;
      case 'transmit':
        this.work(queue, (chain) => this.transmit(chain));
        break;
      case 'control':
        this.work(queue, (chain) => this.command(chain));
        this.tellBackend();
        break;
      case 'none':
        break;
    }
  }

  /** A card that no driver has started hears nothing. */
  receive(frame: Frame): void {
    this.tellBackend();
    const state = this.host.state();
    const { bytes } = frame;
    const pair = pairFor(bytes, state.pairs);
    const queue = this.host.queue(QUEUES_A_PAIR * pair);
    if (!queue.isLive || bytes.length < SHORTEST_FRAME || bytes.length > LONGEST_FRAME) {
      this.lose('lostIn', 1);
      return;
    }
    if (!passesFilter(state, state.mac, bytes)) return;
    this.host.guarded(() => {
      const finished = this.keepsToMtu(frame) ? forGuest(frame, this.agreement.taken) : null;
      const isAccepted = finished !== null && this.receiver.accept(queue, pair, finished);
      this.lose('lostIn', isAccepted ? 0 : 1);
      queue.flush();
    });
  }

  setLink(up: boolean): void {
    const state = this.host.state();
    if (state.linkUp === up) return;
    state.linkUp = up;
    if (up) this.askToAnnounce();
    if (this.host.features & NetFeature.STATUS) this.host.configChanged();
  }

  /** §5.1.6.5.4: switches outside may have forgotten where the guest is. A wire within the machine has not. */
  override rejoined(): void {
    if (!this.backend.isLive) return;
    this.setLink(true); // its back end would not be there otherwise
    if (this.askToAnnounce()) this.host.configChanged();
  }

  /** False if the guest cannot be asked, or need not. */
  private askToAnnounce(): boolean {
    const isWanted = this.backend.isLive && (this.host.features & NetFeature.GUEST_ANNOUNCE) !== 0n;
    if (isWanted) this.host.state().announce = true;
    return isWanted;
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
    const role = this.roleOf(queue.index);
    const state = this.host.state();
    if (role.kind === 'receive') state.waiting = state.waiting.filter(({ pair }) => pair !== role.pair);
    this.tellOfRoom();
  }

  /** The address of its name and options; where it has that one already, one that follows from `seed`. */
  override renewAddress(seed: Uint8Array): void {
    const state = this.host.state();
    const { mac, place } = this.options;
    state.ownMac = sameAddress(state.ownMac, mac) ? drawnAddress(seed, place) : mac.slice();
    // A driver that runs has read the old one and uses it until it starts the card again.
    if (!this.host.queue(0).isLive) state.mac = state.ownMac.slice();
  }

  override reset(): void {
    const state = this.host.state();
    const fresh = { mac: state.ownMac.slice(), announce: false, waiting: [], pairs: 1, offloadsOff: 0n };
    Object.assign(state, freshFilter(), fresh);
    this.tellOfRoom();
  }

  override close(): void {
    this.backend.close();
  }

  private work(queue: VirtioQueue, use: (chain: Chain) => number): void {
    queue.takeSome(BUFFERS_AT_ONCE, (chain) => queue.use(chain, use(chain)));
  }

  private transmit(chain: Chain): number {
    const frame = this.frameIn(chain);
    if (frame === null || !this.backend.send(frame)) this.lose('lostOut', 1);
    return 0;
  }

  /** Null for what no card would send. */
  private frameIn({ readable, readableLength }: Chain): Frame | null {
    const { memory } = this.host;
    const { features, headerLength } = this.agreement;
    const length = readableLength - headerLength;
    if (length < SHORTEST_FRAME || length > LONGEST_FRAME) return null;
    readSpansInto(memory, readable, 0, this.head);
    const header = askedByDriver(decodeHeader(this.head), length, features);
    if (header === null) return null;
    const frame = { header, bytes: viewSpans(memory, readable, headerLength, length, this.spare) };
    return this.keepsToMtu(frame) ? frame : null;
  }

  private command({ readable, readableLength, writable, writableLength }: Chain): number {
    if (writableLength < 1) throw new RingFault('a command without room for the answer');
    const { memory, features } = this.host;
    const isSound =
      readableLength <= LONGEST_COMMAND &&
      control(this.host.state(), readSpans(memory, readable), { features, mostPairs: this.mostPairs });
    return writeSpans(memory, writable, Uint8Array.of(isSound ? ACK_OK : ACK_ERR));
  }

  /** §5.1.2: without MQ the control queue is the third, however many there are. */
  private roleOf(index: number): Role {
    const pairs = this.host.features & NetFeature.MQ ? this.mostPairs : 1;
    if (index === QUEUES_A_PAIR * pairs) return { kind: 'control' };
    if (index > QUEUES_A_PAIR * pairs) return { kind: 'none' };
    return { kind: index % QUEUES_A_PAIR === 0 ? 'receive' : 'transmit', pair: Math.floor(index / QUEUES_A_PAIR) };
  }

  private get agreement(): NetAgreement {
    const { features } = this.host;
    const { offloadsOff } = this.host.state();
    const { lastAgreement: last } = this;
    if (last.features !== features || last.offloadsOff !== offloadsOff) {
      this.lastAgreement = netAgreement(features, offloadsOff);
    }
    return this.lastAgreement;
  }

  /** Whatever changes what the guest takes, a driver, a reset or a restore, is noticed here before the next frame. */
  private tellBackend(): void {
    const { offloads } = this.agreement;
    if (offloads === this.told) return;
    this.told = offloads;
    this.backend.guestTakes(guestOffloads(offloads));
  }

  private tellOfRoom(): void {
    if (!this.wasFull || !this.receiver.hasRoom) return;
    this.wasFull = false;
    this.backend.roomAgain();
  }

  private keepsToMtu(frame: Frame): boolean {
    return !this.agreement.hasMtu || !exceedsMtu(frame, this.host.state().mtu);
  }

  private lose(counter: 'lostIn' | 'lostOut', count: number): void {
    if (count === 0) return;
    const state = this.host.state();
    state[counter] = BigInt.asUintN(64, state[counter] + BigInt(count));
  }
}

export function virtioNet(options: NetOptions): VirtioKind<NetFields, VirtioNet> {
  const { backend, mtu, pairs } = options;
  if (!(pairs >= 1 && pairs <= MOST_PAIRS)) throw new RangeError(`pairs: expected 1 to ${MOST_PAIRS}, got ${pairs}`);
  if (mtu !== null && !(mtu >= SMALLEST_MTU && mtu <= LARGEST_MTU)) {
    throw new RangeError(`mtu: expected ${SMALLEST_MTU} to ${LARGEST_MTU}, got ${mtu}`);
  }
  return {
    type: TYPE,
    classCode: CLASS_ETHERNET,
    features: netFeatures({ offloads: backend.offloads, mtu, pairs }),
    queueSizes: new Array<number>(QUEUES_A_PAIR * pairs + 1).fill(QUEUE_SIZE),
    configLength: NET_CONFIG_LENGTH,
    shape: (common) => netShape(common, options),
    create: (host) => new VirtioNet(host, options),
  };
}
