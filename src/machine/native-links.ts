// SPDX-License-Identifier: BSD-2-Clause
/**
 * Network links that have a native thread: taps and user-mode networking. What has come in is taken in one place, between
 * two pieces of the guest's run, by whoever runs the machine.
 */
import {
  BATCH_FRAMES,
  type Frame,
  type GuestOffloads,
  LONGEST_FRAME,
  type NetBackend,
  type NetOffloads,
  type NetPort,
} from '../../devices/virtio/net-backend.js';
import { encodeHeader, HEADER } from '../../devices/virtio/net-header.js';
import type { Logger } from '../core/log.js';
import { FrameRecords } from '../host/net/frame-records.js';
import { LinkOffload, type LinkRequest, type NativeLink, type OpenNativeLink } from '../hypervisor/native-link.js';
import { ConfigError } from './config-error.js';
import type { HostEvents } from './host-events.js';
import { LinkedCards } from './linked-cards.js';

/** The guest runs in between. */
const BATCHES_AT_ONCE = 16;

/** Makes an input part of the machine by doing `work`, or leaves it. Packets are frames with their headers before them. */
export type AcceptInput = (
  name: 'receivePackets' | 'linkDown',
  given: readonly [id: string, packets?: readonly Uint8Array[]],
  work: () => void,
) => void;

export interface NativeLinksOptions {
  readonly log: Logger;
  /** Inputs are recorded, or come from a recording: what a link could not send leaves no trace in the machine. */
  readonly isRecorded: boolean;
  /** Nothing is opened: all that comes in comes from a recording. */
  readonly isReplay: boolean;
  /** Whoever runs the machine calls `accept` after events have been handed out; else it is called by these. */
  readonly waitsForAccept: boolean;
}

const DIRECTLY: AcceptInput = (_name, _given, work) => work();

export class NativeLinks {
  private readonly ready = new Set<NativeFrameLink>();
  private opener: ((token: number, request: LinkRequest) => NativeLink) | null = null;
  private readonly byToken: NativeFrameLink[] = [];

  constructor(
    private readonly options: NativeLinksOptions,
    private readonly cards = new LinkedCards(),
  ) {}

  /** To be called once, before the first link is opened. */
  connect(open: OpenNativeLink | null, events: HostEvents): void {
    const source = events.register((token) => {
      const link = this.byToken[token];
      if (link === undefined) return;
      if (this.options.waitsForAccept) this.ready.add(link);
      else link.take(DIRECTLY);
    });
    this.opener = open === null ? null : (token, request) => open(source, token, request);
  }

  open(id: string, request: LinkRequest, offloads: NetOffloads): NetBackend {
    const link = new NativeFrameLink(id, this.options, this.cards, offloads);
    if (!this.options.isReplay) link.start(this.opened(id, this.byToken.push(link) - 1, request));
    return link;
  }

  /** Takes what has come in. The machine runs. */
  accept(accept: AcceptInput): void {
    for (const link of [...this.ready]) {
      this.ready.delete(link);
      link.take(accept);
    }
  }

  private opened(id: string, token: number, request: LinkRequest): NativeLink {
    if (this.opener === null) throw new ConfigError(`${id} ${request.kind}`, 'needs an engine of the addon');
    try {
      return this.opener(token, request);
    } catch (cause) {
      const subject = request.kind === 'tap' ? `tap ${request.name}` : request.kind;
      throw new ConfigError(`${id} ${subject}`, cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}

class NativeFrameLink implements NetBackend {
  readonly isLive = true;
  private link: NativeLink | null = null;
  private records: FrameRecords | null = null;
  private readonly header = new Uint8Array(HEADER);
  private isDown = false;

  constructor(
    private readonly id: string,
    private readonly options: NativeLinksOptions,
    private readonly cards: LinkedCards,
    readonly offloads: NetOffloads,
  ) {}

  start(link: NativeLink): void {
    const { checksum, segmentation, udpSegmentation } = this.offloads;
    const wanted = { checksum, tcp4: segmentation, tcp6: segmentation, udp: udpSegmentation };
    if (offloadBits(wanted) & ~link.offloads) {
      link.close();
      throw new ConfigError(this.id, 'this host’s network does not take the offloads that are wanted; try offload=off');
    }
    this.link = link;
    this.records = new FrameRecords(link.memory);
  }

  attach(port: NetPort): void {
    this.cards.attach(this.id, port);
  }

  send({ header, bytes }: Frame): boolean {
    encodeHeader(header, this.header, 0);
    const isSent = this.link?.send(this.header, bytes) ?? false;
    return isSent || this.options.isRecorded;
  }

  guestTakes(offloads: GuestOffloads): void {
    this.link?.give(offloadBits(offloads));
  }

  /** Not now: a guest is in the middle of something. The event leads back to `take`. */
  roomAgain(): void {
    this.link?.announceAgain();
  }

  take(accept: AcceptInput): void {
    const { link } = this;
    if (link === null) return;
    this.look(link, accept);
    for (let there = link.take(), batches = 0; there > 0 && this.cards.hasRoom(this.id); batches += 1) {
      if (batches === BATCHES_AT_ONCE) {
        link.announceAgain();
        return;
      }
      const done = this.takeBatch(there, accept);
      link.release(done);
      there -= done;
    }
  }

  close(): void {
    this.link?.close();
    this.link = null;
    this.cards.detach(this.id);
  }

  private takeBatch(there: number, accept: AcceptInput): number {
    const packets: Uint8Array[] = [];
    let bytes = 0;
    const done = this.records?.read(there, (record) => {
      bytes += record.length - HEADER;
      if (packets.length === BATCH_FRAMES || (bytes > LONGEST_FRAME && packets.length > 0)) return false;
      packets.push(this.options.isRecorded ? record.slice() : record);
      return true;
    });
    if (packets.length > 0)
      accept('receivePackets', [this.id, packets], () => this.cards.receivePackets(this.id, packets));
    return done ?? there;
  }

  private look(link: NativeLink, accept: AcceptInput): void {
    const problem = link.failure();
    if (problem === '' || this.isDown) return;
    this.isDown = true;
    this.options.log.warn(`${this.id}: ${problem}: the link is down`);
    accept('linkDown', [this.id], () => this.cards.setLink(this.id, false));
  }
}

function offloadBits({ checksum, tcp4, tcp6, udp }: GuestOffloads): number {
  return (
    (checksum ? LinkOffload.CHECKSUM : 0) |
    (tcp4 ? LinkOffload.TCP4 : 0) |
    (tcp6 ? LinkOffload.TCP6 : 0) |
    (udp ? LinkOffload.UDP : 0)
  );
}
