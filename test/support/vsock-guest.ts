// SPDX-License-Identifier: BSD-2-Clause
/** The guest's side of a socket device, and a back end that keeps what it hears. */
import { type VirtioVsock, virtioVsock } from '../../devices/virtio/vsock.js';
import type { VsockBackend, VsockMessage, VsockPort } from '../../devices/virtio/vsock-backend.js';
import { type DriverOptions, VERSION_1, VirtioDriver } from './virtio-driver.js';
import { VirtioRig } from './virtio-rig.js';

export const [REQUEST, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE, CREDIT_REQUEST] = [1, 2, 3, 4, 5, 6, 7] as const;
export const HEADER = 44;
const [RX, TX, EVENT] = [0, 1, 2] as const;
const CID = 7n;
const BUFFER = 512;

export class MemorySockets implements VsockBackend {
  readonly heard: VsockMessage[] = [];
  port: VsockPort | null = null;
  isClosed = false;
  isCrowded = false;

  constructor(readonly isLive = false) {}

  attach(port: VsockPort): void {
    this.port = port;
  }

  send(message: VsockMessage): void {
    this.heard.push(message);
    if (this.heard.length > 1000) this.heard.shift();
  }

  say(message: VsockMessage): void {
    this.port?.receive(message);
  }

  close(): void {
    this.isClosed = true;
  }
}

export interface Packet {
  readonly op: number;
  readonly src: number;
  readonly dst: number;
  readonly srcCid?: bigint;
  readonly dstCid?: bigint;
  readonly type?: number;
  readonly flags?: number;
  readonly bufAlloc?: number;
  readonly fwdCnt?: number;
  /** Instead of the length of the data. */
  readonly len?: number;
  readonly data?: Uint8Array;
}

export const GUEST = { backend: new MemorySockets(), cid: CID };

export class VsockGuest<B extends VsockBackend> {
  readonly rig: VirtioRig<VirtioVsock>;
  readonly driver: VirtioDriver<VirtioVsock>;
  private readonly buffers = new Map<string, number>();

  constructor(
    readonly backend: B,
    options: DriverOptions = {},
  ) {
    this.rig = new VirtioRig(virtioVsock({ backend, cid: CID }), 'modern', true);
    this.driver = new VirtioDriver(this.rig, { features: VERSION_1, ...options }).start();
    this.rig.messages();
  }

  /** Gives the device buffers to receive into. */
  offer(count: number, length = BUFFER, queue: number = RX): this {
    for (let index = 0; index < count; index += 1) {
      const address = this.driver.allocate(length);
      const id = this.driver.ring(queue).add([], [{ address, length }]);
      this.buffers.set(`${queue} ${id}`, address);
    }
    this.driver.kick(queue);
    return this;
  }

  send(packet: Packet): void {
    const { data = new Uint8Array() } = packet;
    const address = this.driver.allocate(HEADER + data.length);
    const { memory } = this.rig;
    memory.writeU64(address, packet.srcCid ?? CID);
    memory.writeU64(address + 8, packet.dstCid ?? 2n);
    const words = [packet.src, packet.dst, packet.len ?? data.length];
    for (const [index, word] of words.entries()) memory.writeU32(address + 16 + 4 * index, word);
    memory.writeU16(address + 28, packet.type ?? 1);
    memory.writeU16(address + 30, packet.op);
    const rest = [packet.flags ?? 0, packet.bufAlloc ?? 0x10000, packet.fwdCnt ?? 0];
    for (const [index, word] of rest.entries()) memory.writeU32(address + 32 + 4 * index, word);
    memory.write(address + HEADER, data);
    this.driver.ring(TX).add([{ address, length: HEADER + data.length }], []);
    this.driver.kick(TX);
  }

  /** The packets that have come, once the device has had time. */
  received(): Required<Packet>[] {
    this.rig.rig.clock.advance(100_000n);
    const { memory } = this.rig;
    return this.driver
      .ring(RX)
      .used()
      .map(({ id, length }) => {
        const at = this.buffers.get(`${RX} ${id}`) ?? 0;
        const u32 = (offset: number): number => memory.readU32(at + offset);
        return {
          srcCid: memory.readU64(at),
          dstCid: memory.readU64(at + 8),
          src: u32(16),
          dst: u32(20),
          len: u32(24),
          type: memory.readU16(at + 28),
          op: memory.readU16(at + 30),
          flags: u32(32),
          bufAlloc: u32(36),
          fwdCnt: u32(40),
          data: memory.read(at + HEADER, length - HEADER),
        };
      });
  }

  /** Identifiers of the events that have come. */
  events(): number[] {
    this.rig.rig.clock.advance(100_000n);
    const used = this.driver.ring(EVENT).used();
    return used.map(({ id }) => this.rig.memory.readU32(this.buffers.get(`${EVENT} ${id}`) ?? 0));
  }

  offerEvents(): this {
    return this.offer(4, 16, EVENT);
  }
}

export const [HOST_PORT, GUEST_PORT] = [5000, 80] as const;
export const PORTS = { host: HOST_PORT, guest: GUEST_PORT };
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export type MemoryGuest = VsockGuest<MemorySockets>;

export function startedGuest(options: DriverOptions = {}): MemoryGuest {
  return new VsockGuest(new MemorySockets(), options);
}

/** With a connection that a program of the host has made. */
export function calledGuest(guest = startedGuest()): MemoryGuest {
  guest.offer(16).backend.say({ op: 'request', ...PORTS });
  guest.received();
  guest.send({ op: RESPONSE, src: GUEST_PORT, dst: HOST_PORT });
  guest.backend.heard.length = 0;
  return guest;
}
