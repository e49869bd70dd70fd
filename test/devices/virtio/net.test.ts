// SPDX-License-Identifier: BSD-2-Clause
import { virtioNet } from '../../../devices/virtio/net.js';
import { deviceContract } from '../../contract/device.contract.js';
import { MemoryCable } from '../../support/memory-cable.js';
import {
  arrive,
  CARD,
  COMPLETE,
  CSUM,
  counts,
  frame,
  GUEST_CSUM,
  HOST_TSO4,
  MRG_RXBUF,
  offer,
  RX,
  send,
  startCard,
  TX,
} from '../../support/net-card.js';
import { EVENT_IDX, NEEDS_RESET, RING_PACKED, VERSION_1 } from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';

const PLAIN = new Array<number>(12).fill(0);

describe.each([
  ['split', { features: VERSION_1 }, 12],
  ['split, EVENT_IDX', { features: VERSION_1 | EVENT_IDX }, 12],
  ['packed', { features: VERSION_1 | RING_PACKED }, 12],
  ['packed, mergeable, EVENT_IDX', { features: VERSION_1 | RING_PACKED | MRG_RXBUF | EVENT_IDX }, 12],
  ['legacy', { via: 'legacy', features: 0n }, 10],
  ['legacy, mergeable', { via: 'legacy', features: MRG_RXBUF }, 12],
] as const)('%s', (_, options, header) => {
  test('sends a frame that lies in pieces', () => {
    const started = startCard(options);
    send(started, PLAIN.slice(0, header), frame(60), 25);
    expect(started.cable.sent).toEqual([{ header: COMPLETE, bytes: frame(60) }]);
    expect(started.driver.ring(TX).used()).toEqual([{ id: expect.any(Number), length: 0 }]);
    expect(started.rig.messages()).toEqual([2]);
  });

  test('receives a frame', () => {
    const started = startCard(options);
    const at = offer(started, 2000);
    arrive(started, frame(60));
    expect(started.driver.ring(RX).used()).toEqual([{ id: expect.any(Number), length: header + 60 }]);
    const buffers = header === 12 ? [1, 0] : [];
    expect([...started.rig.memory.read(at, header)]).toEqual([...PLAIN.slice(0, 10), ...buffers]);
    expect(started.rig.memory.read(at + header, 60)).toEqual(frame(60));
    expect(started.rig.messages()).toEqual([1]);
  });

  test('a frame without a buffer waits for one, over a save as well', () => {
    const started = startCard(options);
    for (const mark of [1, 2, 3]) arrive(started, frame(60, mark));
    started.rig.device.deserialize(started.rig.device.serialize());
    const at = [offer(started, 100), offer(started, 100)];
    expect(started.driver.ring(RX).used()).toHaveLength(2);
    expect(at.map((address) => started.rig.memory.readU8(address + header + 20))).toEqual([1, 2]);
    expect(counts(started)).toEqual({ in: 0, out: 0 });
  });
});

test('a long frame fills several buffers, if the driver wants that', () => {
  const started = startCard({ features: VERSION_1 | MRG_RXBUF });
  const at = [100, 100, 100].map((length) => offer(started, length));
  arrive(started, frame(200));
  expect(
    started.driver
      .ring(RX)
      .used()
      .map(({ length }) => length),
  ).toEqual([100, 100, 12]);
  expect(started.rig.memory.readU16((at[0] ?? 0) + 10)).toBe(3);
  expect(started.rig.memory.readU8((at[2] ?? 0) + 11)).toBe(0x11);
});

test.each([0n, RING_PACKED])('buffers that are too few stay with the driver until there are more (%s)', (ring) => {
  const started = startCard({ features: VERSION_1 | MRG_RXBUF | EVENT_IDX | ring });
  offer(started, 100);
  arrive(started, frame(150, 7));
  expect(started.driver.ring(RX).used()).toEqual([]);
  started.driver.ring(RX).needsKick();
  offer(started, 100, false);
  expect(started.driver.ring(RX).needsKick()).toBe(true);
  started.driver.kick(RX);
  expect(
    started.driver
      .ring(RX)
      .used()
      .map(({ length }) => length),
  ).toEqual([100, 62]);
});

test('what waits is bounded, and the rest is counted', () => {
  const started = startCard();
  for (let count = 0; count < 300; count += 1) arrive(started, frame(60));
  expect(counts(started).in).toBe(300 - 256);
  const big = startCard();
  for (let count = 0; count < 10; count += 1) arrive(big, frame(60_000));
  expect(counts(big).in).toBe(10 - 4);
});

test('a card that is not started hears nothing', () => {
  const cable = new MemoryCable();
  const rig = new VirtioRig(virtioNet({ ...CARD, backend: cable }));
  cable.port?.receive({ header: COMPLETE, bytes: frame(60) });
  expect(rig.device.serialize().fields).toMatchObject({ waiting: [], lostIn: 1n });
});

describe('headers', () => {
  const sum = [1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0];
  const segment = [1, 1, 54, 0, 100, 0, 34, 0, 16, 0, 0, 0];
  const all = VERSION_1 | CSUM | HOST_TSO4;

  test('what was negotiated goes through', () => {
    const started = startCard({ features: all });
    send(started, sum, frame(60));
    send(started, segment, frame(5000));
    const asked = { flags: 1, csumStart: 34, csumOffset: 16 };
    expect(started.cable.sent.map(({ header }) => header)).toEqual([
      { ...COMPLETE, ...asked },
      { ...COMPLETE, ...asked, gsoType: 1, hdrLen: 54, gsoSize: 100 },
    ]);
  });

  test.each([
    ['a checksum that was not negotiated', VERSION_1, sum],
    ['segments that were not negotiated', VERSION_1 | CSUM, segment],
    ['a checksum outside', all, [1, 0, 0, 0, 0, 0, 58, 0, 1, 0, 0, 0]],
    ['a checksum far outside', all, [1, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0]],
    ['segments of nothing', all, [1, 1, 54, 0, 0, 0, 34, 0, 16, 0, 0, 0]],
    ['segments without checksum', all, [0, 1, 54, 0, 100, 0, 0, 0, 0, 0, 0, 0]],
    ['segments of another protocol', all, [1, 3, 54, 0, 100, 0, 34, 0, 16, 0, 0, 0]],
    ['segments of no protocol at all', all, [1, 0x55, 54, 0, 100, 0, 34, 0, 16, 0, 0, 0]],
  ])('%s: the frame is dropped', (_, features, header) => {
    const started = startCard({ features });
    send(started, header, frame(60));
    expect(started.cable.sent).toEqual([]);
    expect(counts(started).out).toBe(1);
    expect(started.driver.ring(TX).used()).toHaveLength(1);
    expect(started.driver.status & NEEDS_RESET).toBe(0);
  });

  test.each([
    ['its header', -5],
    ['two addresses', 13],
  ])('a frame that is shorter than %s is dropped', (_, length) => {
    const started = startCard();
    if (length < 0) send(started, PLAIN.slice(0, 12 + length), new Uint8Array(0), 3);
    else send(started, PLAIN, frame(length));
    expect([started.cable.sent, counts(started).out]).toEqual([[], 1]);
  });

  test('one of gigabytes is dropped unread', () => {
    const started = startCard();
    const out = Array.from({ length: 200 }, () => ({ address: 0, length: 0x80000 }));
    started.driver.ring(TX).add(out, []);
    started.driver.kick(TX);
    expect(counts(started).out).toBe(1);
  });

  test('a checksum that the guest does not do is done for it', () => {
    const unfinished = frame(60);
    unfinished.fill(0, 34);
    unfinished.set([0x12, 0x34], 34);
    unfinished.set([0x00, 0x01], 50);
    const [does, doesNot] = [startCard({ features: VERSION_1 | GUEST_CSUM }), startCard()];
    const at = [does, doesNot].map((started) => {
      const address = offer(started, 100);
      arrive(started, unfinished, { flags: 1, csumStart: 34, csumOffset: 16 });
      return address;
    });
    expect([...does.rig.memory.read((at[0] ?? 0) + 12 + 50, 2), does.rig.memory.readU8(at[0] ?? 0)]).toEqual([0, 1, 1]);
    // 0xffff - (0x1234 + 0x0001)
    const [high, low] = doesNot.rig.memory.read((at[1] ?? 0) + 12 + 50, 2);
    expect([high, low, doesNot.rig.memory.readU8(at[1] ?? 0)]).toEqual([0xed, 0xca, 0]);
  });

  test('segments that the guest does not take are lost', () => {
    const started = startCard({ features: VERSION_1 | GUEST_CSUM });
    offer(started, 2000);
    arrive(started, frame(500), { flags: 1, gsoType: 1, gsoSize: 100 });
    expect([started.driver.ring(RX).used(), counts(started).in]).toEqual([[], 1]);
  });
});

test('many frames are sent a few at a time', () => {
  const started = startCard();
  const { driver, cable, rig } = started;
  const address = driver.allocate(100);
  for (let count = 0; count < 100; count += 1) driver.ring(TX).add([{ address, length: 72 }], []);
  driver.kick(TX);
  expect(cable.sent).toHaveLength(64);
  rig.rig.clock.advance(1000n);
  expect(cable.sent).toHaveLength(100);
});

test('what the back end has no room for is lost', () => {
  const started = startCard();
  started.cable.isFull = true;
  send(started, PLAIN, frame(60));
  expect(counts(started).out).toBe(1);
});

deviceContract(
  'virtio-net',
  (rig) => {
    const kind = virtioNet({ ...CARD, backend: new MemoryCable(), mtu: 1500 });
    return new VirtioRig(kind, 'transitional', false, rig).device;
  },
  {
    operate: (device) => {
      device.writeConfig(4, 2, 7);
      device.model.setMacByte(0, 2);
      device.model.setLink(false);
    },
  },
);
