// SPDX-License-Identifier: BSD-2-Clause
/** What happens between a native link and a card; the link is a scripted one. */
import type { Frame, NetPort } from '../../devices/virtio/net-backend.js';
import { COMPLETE } from '../../devices/virtio/net-header.js';
import { SinkLogger } from '../../src/core/log.js';
import type { NativeLink } from '../../src/hypervisor/native-link.js';
import { HostEvents } from '../../src/machine/host-events.js';
import { LinkedCards } from '../../src/machine/linked-cards.js';
import { type AcceptInput, NativeLinks } from '../../src/machine/native-links.js';

const OFFLOADS = { checksum: true, segmentation: false, udpSegmentation: false };
const TAP = { kind: 'tap', name: 'tap0' } as const;
const HEADER = 12;

/** A ring that never wraps, and a list of what was done. */
class ScriptedLink implements NativeLink {
  readonly memory = new Uint8Array(1 << 20);
  readonly done: string[] = [];
  offloads = 0xf;
  problem = '';
  private head = 0;
  private tail = 0;

  put(length: number, mark: number): void {
    new DataView(this.memory.buffer).setUint32(this.head, HEADER + length, true);
    this.memory.fill(0, this.head + 4, this.head + 4 + HEADER);
    this.memory.fill(mark, this.head + 4 + HEADER, this.head + 4 + HEADER + length);
    this.head += Math.ceil((4 + HEADER + length) / 8) * 8;
  }

  take(): number {
    return this.head - this.tail;
  }

  release(bytes: number): void {
    this.tail += bytes;
  }

  announceAgain(): void {
    this.done.push('announced');
  }

  send(header: Uint8Array, frame: Uint8Array): boolean {
    this.done.push(`sent ${header.length} ${frame.length}`);
    return frame.length < 1000;
  }

  give(offloads: number): void {
    this.done.push(`gives ${offloads}`);
  }

  failure(): string {
    return this.problem;
  }

  close(): void {
    this.done.push('closed');
  }
}

class ScriptedPort implements NetPort {
  readonly frames: Frame[] = [];
  readonly links: boolean[] = [];
  room = Number.POSITIVE_INFINITY;

  get hasRoom(): boolean {
    return this.frames.length < this.room;
  }

  receive({ header, bytes }: Frame): void {
    this.frames.push({ header, bytes: bytes.slice() });
  }

  setLink(up: boolean): void {
    this.links.push(up);
  }
}

function setup(given: { isRecorded?: boolean; isReplay?: boolean; waitsForAccept?: boolean } = {}) {
  const link = new ScriptedLink();
  const port = new ScriptedPort();
  const warnings: string[] = [];
  const log = new SinkLogger((_level, _scope, message) => warnings.push(message));
  const cards = new LinkedCards();
  const links = new NativeLinks({ log, isRecorded: false, isReplay: false, waitsForAccept: true, ...given }, cards);
  const queue: { source: number; token: number; result: number }[] = [];
  const events = new HostEvents({
    wakes: 0,
    wait: () => {},
    waitFor: () => false,
    take: () => queue.shift() ?? null,
  });
  let post = (): void => {};
  links.connect((source, token) => {
    post = () => void queue.push({ source, token, result: 0 });
    return link;
  }, events);
  const backend = links.open('net', TAP, OFFLOADS);
  backend.attach(port);
  const arrive = (): void => {
    post();
    events.dispatch();
  };
  return { link, port, cards, links, backend, warnings, arrive };
}

const directly: AcceptInput = (_name, _given, work) => work();

test('frames wait until whoever runs the machine takes them', () => {
  const { link, port, links, arrive } = setup();
  link.put(60, 7);
  links.accept(directly);
  arrive();
  expect(port.frames).toEqual([]);
  links.accept(directly);
  expect(port.frames).toEqual([{ header: COMPLETE, bytes: new Uint8Array(60).fill(7) }]);
  expect(link.take()).toBe(0);
  links.accept(directly);
  expect(port.frames).toHaveLength(1);
});

test('without such a one they are taken at once', () => {
  const { link, port, arrive } = setup({ waitsForAccept: false });
  link.put(60, 7);
  arrive();
  expect(port.frames).toHaveLength(1);
});

test('nothing is taken that there is no room for, and the rest comes later', () => {
  const { link, port, links, backend, arrive } = setup();
  for (let count = 0; count < 200; count += 1) link.put(60, count);
  port.room = 100;
  arrive();
  links.accept(directly);
  expect(port.frames).toHaveLength(128);
  port.room = 1000;
  backend.roomAgain();
  expect(link.done).toEqual(['announced']);
  arrive();
  links.accept(directly);
  expect(port.frames.map(({ bytes }) => bytes[0])).toEqual(Array.from({ length: 200 }, (_, index) => index));
});

test('a batch is no longer than one frame may be, and the guest runs between many of them', () => {
  const { link, links, arrive } = setup();
  for (let count = 0; count < 20; count += 1) link.put(40_000, count);
  arrive();
  const batches: number[] = [];
  links.accept((_name, [, packets = []]) => void batches.push(packets.length));
  expect(batches).toEqual(new Array(16).fill(1));
  expect(link.done).toEqual(['announced']);
});

test('what is recorded does not change any more, and what was not sent leaves no trace', () => {
  const { link, links, backend, arrive } = setup({ isRecorded: true });
  link.put(60, 7);
  arrive();
  let kept: readonly Uint8Array[] = [];
  links.accept((name, [id, packets = []]) => {
    expect([name, id]).toEqual(['receivePackets', 'net']);
    kept = packets;
  });
  link.memory.fill(0);
  expect(kept[0]?.[HEADER]).toBe(7);
  expect(backend.send({ header: COMPLETE, bytes: new Uint8Array(2000) })).toBe(true);
  expect(setup().backend.send({ header: COMPLETE, bytes: new Uint8Array(2000) })).toBe(false);
});

test('a replay opens nothing', () => {
  const { link, port, cards, backend } = setup({ isReplay: true });
  expect(backend.send({ header: COMPLETE, bytes: new Uint8Array(60) })).toBe(false);
  cards.receivePackets('net', [new Uint8Array(HEADER + 60)]);
  expect([port.frames.length, link.done]).toEqual([1, []]);
});

test('a link that fails is down, once and by name', () => {
  const { link, port, links, warnings, arrive } = setup();
  link.problem = 'gone';
  for (let count = 0; count < 2; count += 1) {
    arrive();
    links.accept(directly);
  }
  expect([port.links, warnings]).toEqual([[false], ['net: gone: the link is down']]);
});

test('offloads go through, and a host that lacks them is refused', () => {
  const { link, backend, links } = setup();
  backend.guestTakes({ checksum: true, tcp4: false, tcp6: true, udp: true });
  expect(link.done).toEqual(['gives 13']);
  link.offloads = 0;
  expect(() => links.open('other', TAP, OFFLOADS)).toThrow('other: this host’s network does not take the offloads');
  expect(link.done.at(-1)).toBe('closed');
  backend.close();
  expect(backend.send({ header: COMPLETE, bytes: new Uint8Array(60) })).toBe(false);
});

test('an engine without links, and a link that cannot be had, are named', () => {
  const options = { log: new SinkLogger(() => {}), isRecorded: false, isReplay: false, waitsForAccept: true };
  const none = new NativeLinks(options);
  none.connect(null, new HostEvents(null));
  expect(() => none.open('net', TAP, OFFLOADS)).toThrow('net tap: needs an engine of the addon');
  const broken = new NativeLinks(options);
  broken.connect(() => {
    throw new Error('not allowed');
  }, new HostEvents(null));
  expect(() => broken.open('net', TAP, OFFLOADS)).toThrow('net tap tap0: not allowed');
});
