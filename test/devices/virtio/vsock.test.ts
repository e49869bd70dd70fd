// SPDX-License-Identifier: BSD-2-Clause
import { virtioVsock } from '../../../devices/virtio/vsock.js';
import { VsockLoopback } from '../../../src/host/vsock/loopback.js';
import { deviceContract } from '../../contract/device.contract.js';
import { NEEDS_RESET, RING_PACKED, VERSION_1 } from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';
import {
  bytes,
  CREDIT_REQUEST,
  CREDIT_UPDATE,
  calledGuest,
  GUEST,
  GUEST_PORT,
  HEADER,
  HOST_PORT,
  type MemoryGuest,
  MemorySockets,
  PORTS,
  REQUEST,
  RESPONSE,
  RST,
  RW,
  SHUTDOWN,
  startedGuest,
  VsockGuest,
} from '../../support/vsock-guest.js';

const WINDOW = 128 * 1024;
const COMMAND = 0x04;
const [WITHOUT_MASTER, MASTER] = [0x3, 0x7];

const connections = ({ rig }: VsockGuest<never> | MemoryGuest): number =>
  (rig.device.serialize().fields.connections as unknown[]).length;

test('says who the guest is, and offers streams', () => {
  const { driver, rig } = startedGuest();
  expect([driver.config(0, 4), driver.config(4, 4)]).toEqual([7, 0]);
  expect(driver.offered & 3n).toBe(1n);
  expect(rig.device.readConfig(2, 2)).toBe(0x1053);
});

describe.each([
  ['split', { features: VERSION_1 }],
  ['packed', { features: VERSION_1 | RING_PACKED }],
])('%s', (_, options) => {
  test('the host calls, and bytes go both ways', () => {
    const guest = startedGuest(options).offer(16);
    guest.backend.say({ op: 'request', ...PORTS });
    expect(guest.received()).toEqual([
      expect.objectContaining({
        op: REQUEST,
        srcCid: 2n,
        dstCid: 7n,
        src: HOST_PORT,
        dst: GUEST_PORT,
        bufAlloc: WINDOW,
        type: 1,
      }),
    ]);
    guest.send({ op: RESPONSE, src: GUEST_PORT, dst: HOST_PORT });
    guest.send({ op: RW, src: GUEST_PORT, dst: HOST_PORT, data: bytes('to the host') });
    guest.backend.say({ op: 'data', ...PORTS, bytes: bytes('to the guest') });
    expect(guest.backend.heard).toEqual([
      { op: 'response', ...PORTS },
      { op: 'data', ...PORTS, bytes: bytes('to the host') },
    ]);
    expect(guest.received()).toEqual([expect.objectContaining({ op: RW, len: 12, data: bytes('to the guest') })]);
    expect(guest.backend.heard.at(-1)).toEqual({ op: 'taken', ...PORTS, count: 12 });
  });

  test('the guest calls, and is accepted or refused', () => {
    const guest = startedGuest(options).offer(4);
    guest.send({ op: REQUEST, src: GUEST_PORT, dst: HOST_PORT });
    guest.send({ op: REQUEST, src: GUEST_PORT, dst: HOST_PORT + 1 });
    expect(guest.received()).toEqual([]);
    guest.backend.say({ op: 'response', ...PORTS });
    guest.backend.say({ op: 'reset', host: HOST_PORT + 1, guest: GUEST_PORT });
    expect(guest.received().map(({ op, src }) => [op, src])).toEqual([
      [RST, HOST_PORT + 1],
      [RESPONSE, HOST_PORT],
    ]);
    expect(connections(guest)).toBe(1);
  });
});

test('a guest that refuses is told to the host', () => {
  const guest = startedGuest().offer(4);
  guest.backend.say({ op: 'request', ...PORTS });
  guest.received();
  guest.send({ op: RST, src: GUEST_PORT, dst: HOST_PORT });
  expect(guest.backend.heard).toEqual([{ op: 'reset', ...PORTS }]);
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
  const guest = startedGuest().offer(4);
  guest.send({ src: GUEST_PORT, dst: HOST_PORT, ...packet });
  const { dstCid: srcCid = 2n, type = 1 } = packet as { dstCid?: bigint; type?: number };
  expect(guest.received()).toEqual([
    expect.objectContaining({ op: RST, src: HOST_PORT, dst: GUEST_PORT, srcCid, type }),
  ]);
  expect(guest.backend.heard).toEqual([]);
});

test('nobody answers a reset, or a stranger', () => {
  const guest = startedGuest().offer(4);
  guest.send({ op: RST, src: GUEST_PORT, dst: HOST_PORT });
  guest.send({ op: REQUEST, src: GUEST_PORT, dst: HOST_PORT, srcCid: 8n });
  expect(guest.received()).toEqual([]);
  expect(guest.backend.heard).toEqual([]);
});

test.each([
  ['a second request', { op: REQUEST }],
  ['a second answer', { op: RESPONSE }],
  ['less data than it says', { op: RW, len: 5 }],
  ['an unknown word', { op: 0 }],
])('%s ends a connection on both sides', (_, packet) => {
  const guest = calledGuest();
  guest.send({ src: GUEST_PORT, dst: HOST_PORT, ...packet });
  expect(guest.received().map(({ op }) => op)).toEqual([RST]);
  expect(guest.backend.heard).toEqual([{ op: 'reset', ...PORTS }]);
  expect(connections(guest)).toBe(0);
});

test('a packet shorter than its header breaks the rules of the ring', () => {
  const guest = startedGuest();
  guest.driver.ring(1).add([{ address: 0x100, length: HEADER - 1 }], []);
  guest.driver.kick(1);
  expect(guest.driver.status & NEEDS_RESET).not.toBe(0);
  const other = startedGuest().offer(1, HEADER);
  other.backend.say({ op: 'request', ...PORTS });
  other.received();
  expect(other.driver.status & NEEDS_RESET).not.toBe(0);
});

describe('credit', () => {
  test('the guest gets no more than it has room for', () => {
    const guest = calledGuest();
    guest.send({ op: CREDIT_UPDATE, src: GUEST_PORT, dst: HOST_PORT, bufAlloc: 10 });
    guest.backend.say({ op: 'data', ...PORTS, bytes: bytes('abcdefghijklmno') });
    expect(guest.received().map(({ op, data }) => [op, Buffer.from(data).toString()])).toEqual([
      [RW, 'abcdefghij'],
      [CREDIT_REQUEST, ''],
    ]);
    guest.send({ op: CREDIT_UPDATE, src: GUEST_PORT, dst: HOST_PORT, bufAlloc: 10, fwdCnt: 0 });
    expect(guest.received()).toEqual([]);
    guest.send({ op: CREDIT_UPDATE, src: GUEST_PORT, dst: HOST_PORT, bufAlloc: 10, fwdCnt: 3 });
    expect(guest.received().map(({ data }) => Buffer.from(data).toString())).toEqual(['klm', '']);
    expect(guest.backend.heard).toEqual([
      { op: 'taken', ...PORTS, count: 10 },
      { op: 'taken', ...PORTS, count: 3 },
    ]);
  });

  test('a guest that claims to have taken what it never got gets nothing', () => {
    const guest = calledGuest();
    guest.send({ op: CREDIT_UPDATE, src: GUEST_PORT, dst: HOST_PORT, bufAlloc: 10, fwdCnt: 5 });
    guest.backend.say({ op: 'data', ...PORTS, bytes: bytes('abc') });
    expect(guest.received().map(({ op }) => op)).toEqual([CREDIT_REQUEST]);
  });

  test('a guest that sends more than it may is reset', () => {
    const guest = calledGuest();
    const half = new Uint8Array(WINDOW / 2);
    for (let count = 0; count < 2; count += 1) guest.send({ op: RW, src: GUEST_PORT, dst: HOST_PORT, data: half });
    guest.backend.say({ op: 'taken', ...PORTS, count: 1 });
    guest.send({ op: RW, src: GUEST_PORT, dst: HOST_PORT, data: bytes('x') });
    expect(guest.received()).toEqual([]);
    guest.send({ op: RW, src: GUEST_PORT, dst: HOST_PORT, data: bytes('x') });
    expect(guest.received().map(({ op }) => op)).toEqual([RST]);
    expect(guest.backend.heard.at(-1)).toEqual({ op: 'reset', ...PORTS });
  });

  test('the guest hears of room by every packet, and of half the window by one for that alone', () => {
    const guest = calledGuest();
    guest.send({ op: RW, src: GUEST_PORT, dst: HOST_PORT, data: new Uint8Array(WINDOW - 100) });
    guest.backend.say({ op: 'taken', ...PORTS, count: WINDOW / 2 - 1 });
    expect(guest.received()).toEqual([]);
    guest.backend.say({ op: 'taken', ...PORTS, count: 1 });
    expect(guest.received()).toEqual([expect.objectContaining({ op: CREDIT_UPDATE, fwdCnt: WINDOW / 2 })]);
    guest.backend.say({ op: 'taken', ...PORTS, count: WINDOW });
    guest.backend.say({ op: 'data', ...PORTS, bytes: bytes('x') });
    expect(guest.received()).toEqual([expect.objectContaining({ op: RW, fwdCnt: WINDOW - 100 })]);
    guest.send({ op: CREDIT_REQUEST, src: GUEST_PORT, dst: HOST_PORT });
    expect(guest.received()).toEqual([expect.objectContaining({ op: CREDIT_UPDATE, fwdCnt: WINDOW - 100 })]);
  });

  test('a host that sends more than it may is reset', () => {
    const guest = calledGuest();
    guest.send({ op: CREDIT_UPDATE, src: GUEST_PORT, dst: HOST_PORT, bufAlloc: 0 });
    guest.backend.say({ op: 'data', ...PORTS, bytes: new Uint8Array(WINDOW) });
    guest.backend.say({ op: 'data', ...PORTS, bytes: bytes('x') });
    expect(guest.backend.heard).toEqual([{ op: 'reset', ...PORTS }]);
    expect(guest.received().map(({ op }) => op)).toEqual([RST]);
  });
});

describe('ends', () => {
  test('the guest has sent all, then wants nothing more, and is reset when the host has it', () => {
    const guest = calledGuest();
    guest.send({ op: SHUTDOWN, src: GUEST_PORT, dst: HOST_PORT, flags: 2 });
    guest.send({ op: SHUTDOWN, src: GUEST_PORT, dst: HOST_PORT, flags: 1 });
    expect(guest.backend.heard).toEqual([
      { op: 'shutdown', ...PORTS, receive: false, send: true },
      { op: 'shutdown', ...PORTS, receive: true, send: true },
    ]);
    guest.backend.say({ op: 'data', ...PORTS, bytes: bytes('too late') });
    expect(guest.backend.heard.at(-1)).toEqual({ op: 'taken', ...PORTS, count: 8 });
    expect(guest.received()).toEqual([]);
    guest.backend.say({ op: 'reset', ...PORTS });
    expect(guest.received().map(({ op }) => op)).toEqual([RST]);
    expect(connections(guest)).toBe(0);
  });

  test('a guest that has sent all sends nothing more', () => {
    const guest = calledGuest();
    guest.send({ op: SHUTDOWN, src: GUEST_PORT, dst: HOST_PORT, flags: 2 });
    guest.send({ op: RW, src: GUEST_PORT, dst: HOST_PORT, data: bytes('x') });
    expect(guest.received().map(({ op }) => op)).toEqual([RST]);
  });

  test('the end of what the host sends comes behind the last byte', () => {
    const guest = calledGuest();
    guest.backend.say({ op: 'data', ...PORTS, bytes: new Uint8Array(600) });
    guest.backend.say({ op: 'shutdown', ...PORTS, receive: false, send: true });
    guest.backend.say({ op: 'shutdown', ...PORTS, receive: false, send: true });
    expect(guest.received().map(({ op, len, flags }) => [op, len, flags])).toEqual([
      [RW, 512 - HEADER, 0],
      [RW, 600 - (512 - HEADER), 0],
      [SHUTDOWN, 0, 2],
    ]);
  });

  test('a host that is gone is reset behind the last byte', () => {
    const guest = calledGuest();
    guest.backend.say({ op: 'data', ...PORTS, bytes: bytes('last words') });
    guest.backend.say({ op: 'reset', ...PORTS });
    guest.send({ op: RW, src: GUEST_PORT, dst: HOST_PORT, data: bytes('to nobody') });
    expect(guest.received().map(({ op }) => op)).toEqual([RW, RST]);
    expect(guest.backend.heard).toEqual([]);
    expect(connections(guest)).toBe(0);
  });

  test('a guest that wants nothing more does not hear the last words', () => {
    const guest = calledGuest();
    guest.backend.say({ op: 'data', ...PORTS, bytes: bytes('last words') });
    guest.send({ op: SHUTDOWN, src: GUEST_PORT, dst: HOST_PORT, flags: 1 });
    expect(guest.backend.heard).toEqual([
      { op: 'taken', ...PORTS, count: 10 },
      { op: 'shutdown', ...PORTS, receive: true, send: false },
    ]);
    expect(guest.received()).toEqual([]);
  });

  test('a call that the host gives up is taken back, if the guest has heard of it', () => {
    const silent = startedGuest();
    silent.backend.say({ op: 'request', ...PORTS });
    silent.backend.say({ op: 'reset', ...PORTS });
    expect(silent.offer(4).received()).toEqual([]);
    const told = startedGuest().offer(4);
    told.backend.say({ op: 'request', ...PORTS });
    told.received();
    told.backend.say({ op: 'reset', ...PORTS });
    expect(told.received().map(({ op }) => op)).toEqual([RST]);
  });

  test('a driver that starts anew ends all connections', () => {
    const guest = calledGuest();
    guest.driver.status = 0;
    expect(guest.backend.heard).toEqual([{ op: 'reset', ...PORTS }]);
    expect(connections(guest)).toBe(0);
    guest.backend.say({ op: 'request', ...PORTS });
    expect(guest.backend.heard).toHaveLength(2);
  });
});

test('what waits for buffers, and how far everybody is, is state', () => {
  const guest = calledGuest(startedGuest());
  guest.send({ op: RW, src: GUEST_PORT, dst: HOST_PORT, data: bytes('12345') });
  guest.backend.say({ op: 'data', ...PORTS, bytes: new Uint8Array(8000).fill(9) });
  guest.backend.say({ op: 'taken', ...PORTS, count: 5 });
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
    calledGuest(guest);
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

  test('tells a driver that has its device off the bus, as soon as it may', () => {
    const guest = new VsockGuest(new MemorySockets(true)).offerEvents();
    guest.rig.device.writeConfig(COMMAND, 2, WITHOUT_MASTER);
    guest.rig.device.rejoined();
    expect(guest.events()).toEqual([]);
    guest.rig.device.deserialize(guest.rig.device.serialize());
    guest.rig.device.writeConfig(COMMAND, 2, MASTER);
    expect(guest.events()).toEqual([0]);
    expect(guest.events()).toEqual([]);
  });

  test('tells a guest without a driver nothing', () => {
    const guest = new VsockGuest(new MemorySockets(true));
    guest.driver.status = 0;
    guest.rig.device.rejoined();
    expect(guest.rig.device.serialize().fields.transportReset).toBe(false);
  });

  test('keeps its connections where nothing of them is outside', () => {
    const guest = calledGuest(startedGuest().offerEvents());
    guest.rig.device.rejoined();
    expect(connections(guest)).toBe(1);
    expect(guest.events()).toEqual([]);
  });
});

test('a guest reaches its own ports by a loopback', () => {
  const guest = new VsockGuest(new VsockLoopback()).offer(16);
  guest.send({ op: REQUEST, src: 1025, dst: GUEST_PORT });
  expect(guest.received()).toEqual([expect.objectContaining({ op: REQUEST, src: 1025, dst: GUEST_PORT })]);
  guest.send({ op: RESPONSE, src: GUEST_PORT, dst: 1025 });
  expect(guest.received()).toEqual([expect.objectContaining({ op: RESPONSE, src: GUEST_PORT, dst: 1025 })]);
  guest.send({ op: RW, src: 1025, dst: GUEST_PORT, data: bytes('hello') });
  expect(guest.received()).toEqual([
    expect.objectContaining({ op: RW, src: 1025, dst: GUEST_PORT, data: bytes('hello') }),
  ]);
  guest.send({ op: RW, src: GUEST_PORT, dst: 1025, data: bytes('welcome') });
  expect(guest.received()).toEqual([expect.objectContaining({ fwdCnt: 5, data: bytes('welcome') })]);
  guest.send({ op: SHUTDOWN, src: 1025, dst: GUEST_PORT, flags: 3 });
  expect(guest.received()).toEqual([expect.objectContaining({ op: SHUTDOWN, src: 1025, dst: GUEST_PORT, flags: 3 })]);
  guest.send({ op: RST, src: GUEST_PORT, dst: 1025 });
  expect(guest.received()).toEqual([expect.objectContaining({ op: RST, src: GUEST_PORT, dst: 1025 })]);
  expect((guest.rig.device.serialize().fields.connections as unknown[]).length).toBe(0);
});

test('a port that calls itself is refused', () => {
  const guest = new VsockGuest(new VsockLoopback()).offer(16);
  guest.send({ op: REQUEST, src: GUEST_PORT, dst: GUEST_PORT });
  expect(guest.received().map(({ op }) => op)).toEqual([RST]);
  guest.driver.status = 0;
});

deviceContract('virtio-vsock', (rig) => new VirtioRig(virtioVsock(GUEST), 'modern', false, rig).device, {
  operate: (device) => device.writeConfig(4, 2, 7),
});
