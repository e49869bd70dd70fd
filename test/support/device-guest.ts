// SPDX-License-Identifier: BSD-2-Clause
/**
 * A guest with two network cards on a cable, a console with a port, random numbers, a balloon and sockets, all of which are at
 * work in each of its rounds and never done: more comes than there are buffers for. Nothing outside has a part in it.
 */
import { buildMachine } from '../../src/machine/build.js';
import type { MachineConfig, PciDeviceConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { GuestCode, word32, word64 } from './guest-code.js';
import { loadProofGuest } from './proof-guest-loader.js';
import { type Buffer, DriverCode, PlannedRing } from './proof-guests/virtio.js';

const ROUNDS = 20;
/** Half of the instructions between two rounds, about. */
const REST = 2000;
const MEMORY = 2 * 1024 * 1024;
const NO_VECTOR = 0xffff;
const VERSION_1 = 1n << 32n;
const [STREAM, MULTIPORT, STATISTICS] = [1n << 0n, 1n << 1n, 1n << 1n];
const PORT = 'pci-0:5:0/org.golden.0';

const device = (slot: number, kind: PciDeviceConfig['kind'], options: Record<string, string>): PciDeviceConfig => ({
  slot,
  fn: 0,
  kind,
  options,
});

const DEVICE_GUEST: Partial<MachineConfig> = {
  memory: MEMORY,
  clock: { kind: 'virtual', numerator: 1, denominator: 1 },
  pci: [
    device(3, 'virtio-net', { loopback: 'cable', mac: '00:a0:98:00:00:01' }),
    device(4, 'virtio-net', { loopback: 'cable', mac: '00:a0:98:00:00:02' }),
    device(5, 'virtio-console', { 'port.org.golden.0': '/nowhere' }),
    device(6, 'virtio-rnd', {}),
    device(7, 'virtio-balloon', { size: '64K' }),
    device(8, 'virtio-vsock', { loopback: 'on' }),
  ],
};

export function startDeviceGuest(): Machine {
  const machine = buildMachine(DEVICE_GUEST, { hashExits: true });
  const { code, rings, contents } = plan();
  loadProofGuest(machine, code);
  const { memory } = machine.parts.engine;
  for (const { address, bytes } of contents) memory.write(address, bytes);
  for (const ring of rings) ring.write(memory);
  machine.setConsoleOpen(PORT, true);
  machine.type(PORT, Buffer.from('a line that is longer than the few bytes which the guest takes of it in a round'));
  return machine;
}

interface Content {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Buffers that the guest will ever use, and what they hold before it runs. */
class Places {
  readonly contents: Content[] = [];
  private next = 0x17_0000;

  filled(bytes: Uint8Array): Buffer {
    const buffer = this.empty(bytes.length);
    this.contents.push({ address: buffer.address, bytes });
    return buffer;
  }

  empty(length: number): Buffer {
    const address = this.next;
    this.next = Math.ceil((address + length) / 16) * 16;
    return { address, length };
  }
}

/** One device of the guest's, with its driver's code and rings. */
class Device {
  readonly driver: DriverCode;
  readonly rings: readonly PlannedRing[];

  constructor(code: GuestCode, slot: number, queues: number, size: number, firstTable: number) {
    this.driver = new DriverCode(code, slot, 0xd000_0000 + 0x10_0000 * slot);
    this.rings = Array.from(
      { length: queues },
      (_, index) => new PlannedRing(index, size, false, firstTable + 0x4000 * index),
    );
  }

  start(features: bigint): this {
    this.driver.placeBars().negotiate(VERSION_1 | features);
    for (const ring of this.rings) this.driver.setUp(ring, NO_VECTOR);
    this.driver.start();
    return this;
  }

  ring(index: number): PlannedRing {
    const ring = this.rings[index];
    if (ring === undefined) throw new Error(`no queue ${index}`);
    return ring;
  }

  out(queue: number, ...buffers: readonly Buffer[]): this {
    for (const buffer of buffers) this.ring(queue).add([buffer], []);
    this.driver.offer(this.ring(queue));
    return this;
  }

  into(queue: number, ...buffers: readonly Buffer[]): this {
    for (const buffer of buffers) this.ring(queue).add([], [buffer]);
    this.driver.offer(this.ring(queue));
    return this;
  }

  /** Until all of a queue's buffers are used. */
  done(queue: number): this {
    this.driver.pollFor(this.ring(queue));
    return this;
  }
}

function plan() {
  const code = new GuestCode();
  const places = new Places();
  let table = 0x11_0000;
  const make = (slot: number, queues: number, size: number): Device => {
    const made = new Device(code, slot, queues, size, table);
    table += 0x4000 * queues;
    return made;
  };
  const [sender, listener] = [make(3, 2, 256).start(0n), make(4, 2, 256).start(0n)];
  const port = make(5, 6, 64).start(MULTIPORT);
  const random = make(6, 1, 64).start(0n);
  const balloon = make(7, 3, 128).start(STATISTICS);
  const sockets = make(8, 3, 128).start(STREAM);

  port.into(2, ...Array.from({ length: 8 }, () => places.empty(64)));
  port.out(3, ...[word(0, 0), word(1, 3), word(1, 6)].map((bytes) => places.filled(bytes))).done(3);
  // It keeps the buffer until somebody asks.
  balloon.out(2, places.filled(Uint8Array.of(4, 0, ...word64(0x123456n))));
  sockets.into(0, places.empty(64), places.empty(64));
  sockets.out(1, places.filled(packet(1025, 80, 1))).driver.pollFor(sockets.ring(0), 1);
  sockets.out(1, places.filled(packet(80, 1025, 2)));

  for (let round = 0; round < ROUNDS; round += 1) {
    sender.out(1, ...[0, 1, 2].map((count) => places.filled(frame(3 * round + count)))).done(1);
    listener.into(0, places.empty(80), places.empty(80));
    port
      .out(5, places.filled(Buffer.from(`round ${round}\n`)))
      .into(4, places.empty(3))
      .done(5);
    random.into(0, places.empty(16)).done(0);
    balloon.out(0, places.filled(pages(0x1f0 + (round % 8)))).done(0);
    if (round % 2 === 1) balloon.out(1, places.filled(pages(0x1f0 + (round % 8)))).done(1);
    sockets.out(1, places.filled(packet(1025, 80, 5, Buffer.from(`${round} `.repeat(20))))).done(1);
    sockets.into(0, places.empty(64));
    for (const { driver } of [sender, listener, port, random, balloon, sockets]) driver.readIsr();
    code.spin(REST);
  }
  const devices = [sender, listener, port, random, balloon, sockets];
  return { code: code.rest(), rings: devices.flatMap(({ rings }) => rings), contents: places.contents };
}

/** VIRTIO-1.2 §5.3.6.2. */
const word = (id: number, event: number): Uint8Array => Uint8Array.of(...word32(id), event, 0, 1, 0);

/** §5.1.6, then Ethernet to everybody. */
const frame = (mark: number): Uint8Array =>
  Uint8Array.of(
    ...new Uint8Array(12),
    ...new Uint8Array(6).fill(0xff),
    0,
    0xa0,
    0x98,
    0,
    0,
    1,
    0x88,
    0xb5,
    ...new Uint8Array(46).fill(mark),
  );

/** §5.5.6: numbers of pages. */
const pages = (first: number): Uint8Array => Uint8Array.of(...word32(first), ...word32(first + 8));

/** §5.10.6, to the guest's own ports. */
function packet(from: number, to: number, op: number, data: Uint8Array = new Uint8Array()): Uint8Array {
  const words = [from, to, data.length].flatMap(word32);
  return Uint8Array.of(
    ...word64(3n),
    ...word64(2n),
    ...words,
    1,
    0,
    op,
    0,
    ...word32(0),
    ...word32(0x1000),
    ...word32(0),
    ...data,
  );
}
