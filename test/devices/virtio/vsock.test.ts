// SPDX-License-Identifier: BSD-2-Clause
import { virtioVsock } from '../../../devices/virtio/vsock.js';
import { VsockLoopback } from '../../../src/host/vsock/loopback.js';
import { deviceContract } from '../../contract/device.contract.js';
import { NEEDS_RESET, RING_PACKED, VERSION_1 } from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';
import {
  CREDIT_REQUEST,
  CREDIT_UPDATE,
  GUEST,
  HEADER,
  MemorySockets,
  REQUEST,
  RESPONSE,
  RST,
  RW,
  SHUTDOWN,
  VsockGuest,
} from '../../support/vsock-guest.js';

const WINDOW = 128 * 1024;
const HOST = 5000;
const PORT = 80;
const ports = { host: HOST, guest: PORT };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
type Guest = VsockGuest<MemorySockets>;

const start = (options = {}): Guest => new VsockGuest(new MemorySockets(), options);

/** A connection that a program of the host has made. */
function called(guest: Guest = start()): Guest {
  guest.offer(16).backend.say({ op: 'request', ...ports });
  guest.received();
  guest.send({ op: RESPONSE, src: PORT, dst: HOST });
  guest.backend.heard.length = 0;
  return guest;
}

const connections = ({ rig }: VsockGuest<never> | Guest): number =>
  (rig.device.serialize().fields.connections as unknown[]).length;

test('says who the guest is, and offers streams', () => {
  const { driver, rig } = start();
  expect([driver.config(0, 4), driver.config(4, 4)]).toEqual([7, 0]);
  expect(driver.offered & 3n).toBe(1n);
  expect(rig.device.readConfig(2, 2)).toBe(0x1053);
});

describe.each([
  ['split', { features: VERSION_1 }],
  ['packed', { features: VERSION_1 | RING_PACKED }],
])('%s', (_, options) => {
  test('the host calls, and bytes go both ways', () => {
    const guest = start(options).offer(16);
    guest.backend.say({ op: 'request', ...ports });
    expect(guest.received()).toEqual([
      expect.objectContaining({ op: REQUEST, srcCid: 2n, dstCid: 7n, src: HOST, dst: PORT, bufAlloc: WINDOW, type: 1 }),
    ]);
    guest.send({ op: RESPONSE, src: PORT, dst: HOST });
    guest.send({ op: RW, src: PORT, dst: HOST, data: bytes('to the host') });
    guest.backend.say({ op: 'data', ...ports, bytes: bytes('to the guest') });
    expect(guest.backend.heard).toEqual([
      { op: 'response', ...ports },
      { op: 'data', ...ports, bytes: bytes('to the host') },
    ]);
    expect(guest.received()).toEqual([expect.objectContaining({ op: RW, len: 12, data: bytes('to the guest') })]);
    expect(guest.backend.heard.at(-1)).toEqual({ op: 'taken', ...ports, count: 12 });
  });

  test('the guest calls, and is accepted or refused', () => {
    const guest = start(options).offer(4);
    guest.send({ op: REQUEST, src: PORT, dst: HOST });
    guest.send({ op: REQUEST, src: PORT, dst: HOST + 1 });
    expect(guest.received()).toEqual([]);
    guest.backend.say({ op: 'response', ...ports });
    guest.backend.say({ op: 'reset', host: HOST + 1, guest: PORT });
    expect(guest.received().map(({ op, src }) => [op, src])).toEqual([
      [RST, HOST + 1],
      [RESPONSE, HOST],
    ]);
    expect(connections(guest)).toBe(1);
  });
});

test('a guest that refuses is told to the host', () => {
  const guest = start().offer(4);
  guest.backend.say({ op: 'request', ...ports });
  guest.received();
  guest.send({ op: RST, src: PORT, dst: HOST });
  expect(guest.backend.heard).toEqual([{ op: 'reset', ...ports }]);
  expect(guest.received()).toEqual([]);
});

test.each([
  ['data for nobody', { op: RW, data: bytes('x') }],
  ['an answer to no question', { op: RESPONSE }],
  ['another type', { op: REQUEST, type: 2 }],
  ['another address', { op: REQUEST, dstCid: 9n }],
  ['more data than there is', { op: REQUEST, len: 1 }],
  ['an unknown word', { op: 99 }],
])('%s is reset', (_, packet) => {
  const guest = start().offer(4);
  guest.send({ src: PORT, dst: HOST, ...packet });
  const { dstCid: srcCid = 2n, type = 1 } = packet as { dstCid?: bigint; type?: number };
  expect(guest.received()).toEqual([expect.objectContaining({ op: RST, src: HOST, dst: PORT, srcCid, type })]);
  expect(guest.backend.heard).toEqual([]);
});

test('nobody answers a reset, or a stranger', () => {
  const guest = start().offer(4);
  guest.send({ op: RST, src: PORT, dst: HOST });
  guest.send({ op: REQUEST, src: PORT, dst: HOST, srcCid: 8n });
  expect(guest.received()).toEqual([]);
  expect(guest.backend.heard).toEqual([]);
});

test.each([
  ['a second request', { op: REQUEST }],
  ['a second answer', { op: RESPONSE }],
  ['less data than it says', { op: RW, len: 5 }],
  ['an unknown word', { op: 0 }],
])('%s ends a connection on both sides', (_, packet) => {
  const guest = called();
  guest.send({ src: PORT, dst: HOST, ...packet });
  expect(guest.received().map(({ op }) => op)).toEqual([RST]);
  expect(guest.backend.heard).toEqual([{ op: 'reset', ...ports }]);
  expect(connections(guest)).toBe(0);
});

test('a packet shorter than its header breaks the rules of the ring', () => {
  const guest = start();
  guest.driver.ring(1).add([{ address: 0x100, length: HEADER - 1 }], []);
  guest.driver.kick(1);
  expect(guest.driver.status & NEEDS_RESET).not.toBe(0);
  const other = start().offer(1, HEADER);
  other.backend.say({ op: 'request', ...ports });
  other.received();
  expect(other.driver.status & NEEDS_RESET).not.toBe(0);
});

describe('credit', () => {
  test('the guest gets no more than it has room for', () => {
    const guest = called();
    guest.send({ op: CREDIT_UPDATE, src: PORT, dst: HOST, bufAlloc: 10 });
    guest.backend.say({ op: 'data', ...ports, bytes: bytes('abcdefghijklmno') });
    expect(guest.received().map(({ op, data }) => [op, Buffer.from(data).toString()])).toEqual([
      [RW, 'abcdefghij'],
      [CREDIT_REQUEST, ''],
    ]);
    guest.send({ op: CREDIT_UPDATE, src: PORT, dst: HOST, bufAlloc: 10, fwdCnt: 0 });
    expect(guest.received()).toEqual([]);
    guest.send({ op: CREDIT_UPDATE, src: PORT, dst: HOST, bufAlloc: 10, fwdCnt: 3 });
    expect(guest.received().map(({ data }) => Buffer.from(data).toString())).toEqual(['klm', '']);
    expect(guest.backend.heard).toEqual([
      { op: 'taken', ...ports, count: 10 },
      { op: 'taken', ...ports, count: 3 },
    ]);
  });

  test('a guest that claims to have taken what it never got gets nothing', () => {
    const guest = called();
    guest.send({ op: CREDIT_UPDATE, src: PORT, dst: HOST, bufAlloc: 10, fwdCnt: 5 });
    guest.backend.say({ op: 'data', ...ports, bytes: bytes('abc') });
    expect(guest.received().map(({ op }) => op)).toEqual([CREDIT_REQUEST]);
  });

  test('a guest that sends more than it may is reset', () => {
    const guest = called();
    const half = new Uint8Array(WINDOW / 2);
    for (let count = 0; count < 2; count += 1) guest.send({ op: RW, src: PORT, dst: HOST, data: half });
    guest.backend.say({ op: 'taken', ...ports, count: 1 });
    guest.send({ op: RW, src: PORT, dst: HOST, data: bytes('x') });
    expect(guest.received()).toEqual([]);
    guest.send({ op: RW, src: PORT, dst: HOST, data: bytes('x') });
    expect(guest.received().map(({ op }) => op)).toEqual([RST]);
    expect(guest.backend.heard.at(-1)).toEqual({ op: 'reset', ...ports });
  });

  test('the guest hears of room by every packet, and of half the window by one for that alone', () => {
    const guest = called();
    guest.send({ op: RW, src: PORT, dst: HOST, data: new Uint8Array(WINDOW - 100) });
    guest.backend.say({ op: 'taken', ...ports, count: WINDOW / 2 - 1 });
    expect(guest.received()).toEqual([]);
    guest.backend.say({ op: 'taken', ...ports, count: 1 });
    expect(guest.received()).toEqual([expect.objectContaining({ op: CREDIT_UPDATE, fwdCnt: WINDOW / 2 })]);
    guest.backend.say({ op: 'taken', ...ports, count: WINDOW });
    guest.backend.say({ op: 'data', ...ports, bytes: bytes('x') });
    expect(guest.received()).toEqual([expect.objectContaining({ op: RW, fwdCnt: WINDOW - 100 })]);
    guest.send({ op: CREDIT_REQUEST, src: PORT, dst: HOST });
    expect(guest.received()).toEqual([expect.objectContaining({ op: CREDIT_UPDATE, fwdCnt: WINDOW - 100 })]);
  });

  test('a host that sends more than it may is reset', () => {
    const guest = called();
    guest.send({ op: CREDIT_UPDATE, src: PORT, dst: HOST, bufAlloc: 0 });
    guest.backend.say({ op: 'data', ...ports, bytes: new Uint8Array(WINDOW) });
    guest.backend.say({ op: 'data', ...ports, bytes: bytes('x') });
    expect(guest.backend.heard).toEqual([{ op: 'reset', ...ports }]);
    expect(guest.received().map(({ op }) => op)).toEqual([RST]);
  });
});

describe('ends', () => {
  test('the guest has sent all, then wants nothing more, and is reset when the host has it', () => {
    const guest = called();
    guest.send({ op: SHUTDOWN, src: PORT, dst: HOST, flags: 2 });
    guest.send({ op: SHUTDOWN, src: PORT, dst: HOST, flags: 1 });
    expect(guest.backend.heard).toEqual([
      { op: 'shutdown', ...ports, receive: false, send: true },
      { op: 'shutdown', ...ports, receive: true, send: true },
    ]);
    guest.backend.say({ op: 'data', ...ports, bytes: bytes('too late') });
    expect(guest.backend.heard.at(-1)).toEqual({ op: 'taken', ...ports, count: 8 });
    expect(guest.received()).toEqual([]);
    guest.backend.say({ op: 'reset', ...ports });
    expect(guest.received().map(({ op }) => op)).toEqual([RST]);
    expect(connections(guest)).toBe(0);
  });

  test('a guest that has sent all sends nothing more', () => {
    const guest = called();
    guest.send({ op: SHUTDOWN, src: PORT, dst: HOST, flags: 2 });
    guest.send({ op: RW, src: PORT, dst: HOST, data: bytes('x') });
    expect(guest.received().map(({ op }) => op)).toEqual([RST]);
  });

  test('the end of what the host sends comes behind the last byte', () => {
    const guest = called();
    guest.backend.say({ op: 'data', ...ports, bytes: new Uint8Array(600) });
    guest.backend.say({ op: 'shutdown', ...ports, receive: false, send: true });
    guest.backend.say({ op: 'shutdown', ...ports, receive: false, send: true });
    expect(guest.received().map(({ op, len, flags }) => [op, len, flags])).toEqual([
      [RW, 512 - HEADER, 0],
      [RW, 600 - (512 - HEADER), 0],
      [SHUTDOWN, 0, 2],
    ]);
  });

  test('a host that is gone is reset behind the last byte', () => {
    const guest = called();
    guest.backend.say({ op: 'data', ...ports, bytes: bytes('last words') });
    guest.backend.say({ op: 'reset', ...ports });
    guest.send({ op: RW, src: PORT, dst: HOST, data: bytes('to nobody') });
    expect(guest.received().map(({ op }) => op)).toEqual([RW, RST]);
    expect(guest.backend.heard).toEqual([]);
    expect(connections(guest)).toBe(0);
  });

  test('a guest that wants nothing more does not hear the last words', () => {
    const guest = called();
    guest.backend.say({ op: 'data', ...ports, bytes: bytes('last words') });
    guest.send({ op: SHUTDOWN, src: PORT, dst: HOST, flags: 1 });
    expect(guest.backend.heard).toEqual([
      { op: 'taken', ...ports, count: 10 },
      { op: 'shutdown', ...ports, receive: true, send: false },
    ]);
    expect(guest.received()).toEqual([]);
  });

  test('a call that the host gives up is taken back, if the guest has heard of it', () => {
    const silent = start();
    silent.backend.say({ op: 'request', ...ports });
    silent.backend.say({ op: 'reset', ...ports });
    expect(silent.offer(4).received()).toEqual([]);
    const told = start().offer(4);
    told.backend.say({ op: 'request', ...ports });
    told.received();
    told.backend.say({ op: 'reset', ...ports });
    expect(told.received().map(({ op }) => op)).toEqual([RST]);
  });

  test('a driver that starts anew ends all connections', () => {
    const guest = called();
    guest.driver.status = 0;
    expect(guest.backend.heard).toEqual([{ op: 'reset', ...ports }]);
    expect(connections(guest)).toBe(0);
    guest.backend.say({ op: 'request', ...ports });
    expect(guest.backend.heard).toHaveLength(2);
  });
});

test('a host that calls a guest without a driver is refused, and so is a call too many', () => {
  const guest = start();
  for (let host = 0; host < 257; host += 1) guest.backend.say({ op: 'request', host, guest: PORT });
  guest.backend.say({ op: 'request', host: 0, guest: PORT });
  expect(guest.backend.heard).toEqual([
    { op: 'reset', host: 256, guest: PORT },
    { op: 'reset', host: 0, guest: PORT },
  ]);
  guest.send({ op: REQUEST, src: 1, dst: 1 });
  expect(guest.offer(1).received()).toEqual([expect.objectContaining({ op: RST, src: 1, dst: 1 })]);
});

test('a guest that does not hear its refusals is not listened to', () => {
  const guest = start();
  for (let src = 0; src < 100; src += 1) guest.send({ op: RW, src, dst: HOST });
  expect(guest.driver.ring(1).used()).toHaveLength(64);
  expect(guest.offer(10).received()).toHaveLength(10);
  expect(guest.driver.ring(1).used()).toHaveLength(10);
  expect(guest.offer(100).received()).toHaveLength(90);
  expect(guest.driver.ring(1).used()).toHaveLength(26);
});

describe('a host that is told more than it hears', () => {
  const crowded = (guest: Guest): Guest => {
    guest.backend.isCrowded = true;
    return guest;
  };
  const uncrowd = ({ backend, rig }: Guest): void => {
    backend.isCrowded = false;
    backend.port?.roomAgain();
    rig.rig.clock.advance(100_000n);
  };

  test('is told no more until it says so', () => {
    const guest = crowded(start());
    for (let src = 0; src < 3; src += 1) guest.send({ op: REQUEST, src, dst: HOST });
    guest.rig.rig.clock.advance(100_000n);
    expect([guest.backend.heard, guest.driver.ring(1).used()]).toEqual([[], []]);
    uncrowd(guest);
    expect(guest.backend.heard.map((message) => message.guest)).toEqual([0, 1, 2]);
    expect(guest.driver.ring(1).used()).toHaveLength(3);
  });

  test('does not hear how its bytes are taken, one by one', () => {
    const guest = crowded(called());
    guest.backend.say({ op: 'data', ...ports, bytes: bytes('abc') });
    expect(guest.received()).toEqual([]);
    uncrowd(guest);
    expect(guest.received().map(({ op }) => op)).toEqual([RW]);
  });

  test('may be another one after a restore, which hears the rest', () => {
    const guest = crowded(new VsockGuest(new MemorySockets(true)));
    guest.send({ op: REQUEST, src: PORT, dst: HOST });
    guest.backend.isCrowded = false;
    guest.rig.device.deserialize(guest.rig.device.serialize());
    guest.rig.device.rejoined();
    guest.rig.rig.clock.advance(100_000n);
    expect(guest.backend.heard).toEqual([{ op: 'request', ...ports }]);
  });
});

test('connections have their turns', () => {
  const guest = start().offer(2);
  for (const host of [1, 2]) guest.backend.say({ op: 'request', host, guest: PORT });
  guest.received();
  for (const host of [1, 2]) guest.send({ op: RESPONSE, src: PORT, dst: host });
  for (const host of [1, 2]) guest.backend.say({ op: 'data', host, guest: PORT, bytes: new Uint8Array(1000) });
  expect(
    guest
      .offer(4)
      .received()
      .map(({ src }) => src),
  ).toEqual([1, 2, 1, 2]);
});

test('what waits for buffers, and how far everybody is, is state', () => {
  const guest = called(start());
  guest.send({ op: RW, src: PORT, dst: HOST, data: bytes('12345') });
  guest.backend.say({ op: 'data', ...ports, bytes: new Uint8Array(8000).fill(9) });
  guest.backend.say({ op: 'taken', ...ports, count: 5 });
  const before = guest.received().length;
  expect(before).toBe(15);
  guest.rig.device.deserialize(guest.rig.device.serialize());
  const rest = guest.offer(4).received();
  expect(rest).toHaveLength(Math.ceil(8000 / (512 - HEADER)) - before);
  expect(rest[0]?.fwdCnt).toBe(5);
});

describe('a machine that goes on from a snapshot', () => {
  test('has no connections any more, and its guest is told', () => {
    const guest = new VsockGuest(new MemorySockets(true)).offerEvents();
    called(guest);
    guest.rig.device.deserialize(guest.rig.device.serialize());
    guest.rig.device.rejoined();
    expect(guest.driver.ring(2).used()).toEqual([]);
    expect(connections(guest)).toBe(0);
    expect(guest.events()).toEqual([0]);
    expect(guest.events()).toEqual([]);
    expect(guest.backend.heard).toEqual([]);
    expect(guest.rig.messages()).toContain(3);
  });

  test('tells when its guest is ready to hear it', () => {
    const guest = new VsockGuest(new MemorySockets(true));
    guest.rig.device.rejoined();
    expect(guest.events()).toEqual([]);
    expect(guest.offerEvents().events()).toEqual([0]);
  });

  test('tells a guest without a driver nothing', () => {
    const guest = new VsockGuest(new MemorySockets(true));
    guest.driver.status = 0;
    guest.rig.device.rejoined();
    expect(guest.rig.device.serialize().fields.transportReset).toBe(false);
  });

  test('keeps its connections where nothing of them is outside', () => {
    const guest = called(start().offerEvents());
    guest.rig.device.rejoined();
    expect(connections(guest)).toBe(1);
    expect(guest.events()).toEqual([]);
  });
});

test('a guest reaches its own ports by a loopback', () => {
  const guest = new VsockGuest(new VsockLoopback()).offer(16);
  guest.send({ op: REQUEST, src: 1025, dst: PORT });
  expect(guest.received()).toEqual([expect.objectContaining({ op: REQUEST, src: 1025, dst: PORT })]);
  guest.send({ op: RESPONSE, src: PORT, dst: 1025 });
  expect(guest.received()).toEqual([expect.objectContaining({ op: RESPONSE, src: PORT, dst: 1025 })]);
  guest.send({ op: RW, src: 1025, dst: PORT, data: bytes('hello') });
  expect(guest.received()).toEqual([expect.objectContaining({ op: RW, src: 1025, dst: PORT, data: bytes('hello') })]);
  guest.send({ op: RW, src: PORT, dst: 1025, data: bytes('welcome') });
  expect(guest.received()).toEqual([expect.objectContaining({ fwdCnt: 5, data: bytes('welcome') })]);
  guest.send({ op: SHUTDOWN, src: 1025, dst: PORT, flags: 3 });
  expect(guest.received()).toEqual([expect.objectContaining({ op: SHUTDOWN, src: 1025, dst: PORT, flags: 3 })]);
  guest.send({ op: RST, src: PORT, dst: 1025 });
  expect(guest.received()).toEqual([expect.objectContaining({ op: RST, src: PORT, dst: 1025 })]);
  expect((guest.rig.device.serialize().fields.connections as unknown[]).length).toBe(0);
});

test('a port that calls itself is refused', () => {
  const guest = new VsockGuest(new VsockLoopback()).offer(16);
  guest.send({ op: REQUEST, src: PORT, dst: PORT });
  expect(guest.received().map(({ op }) => op)).toEqual([RST]);
  guest.driver.status = 0;
});

deviceContract('virtio-vsock', (rig) => new VirtioRig(virtioVsock(GUEST), 'modern', false, rig).device, {
  operate: (device) => device.writeConfig(4, 2, 7),
});
