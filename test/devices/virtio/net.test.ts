// SPDX-License-Identifier: BSD-2-Clause
import { virtioNet } from '../../../devices/virtio/net.js';
import type { NetOffloads } from '../../../devices/virtio/net-backend.js';
import { deviceContract } from '../../contract/device.contract.js';
import { MemoryCable } from '../../support/memory-cable.js';
import {
  bitsOf,
  type DriverOptions,
  EVENT_IDX,
  NEEDS_RESET,
  RING_PACKED,
  VERSION_1,
  VirtioDriver,
} from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';

const [CSUM, GUEST_CSUM, MTU, MAC, GUEST_TSO4, HOST_TSO4, MRG_RXBUF, STATUS, CTRL_VQ, CTRL_RX, ANNOUNCE, CTRL_MAC] = [
  0, 1, 3, 5, 7, 11, 15, 16, 17, 18, 21, 23,
].map((bit) => bitsOf(bit)) as [
  ...[bigint, bigint, bigint, bigint, bigint, bigint],
  ...[bigint, bigint, bigint, bigint, bigint, bigint],
];
const [RX, TX, CONTROL] = [0, 1, 2] as const;
const ADDRESS = Uint8Array.of(0x00, 0xa0, 0x98, 1, 2, 3);
const HOST_USO = bitsOf(56);
const ALL = { checksum: true, segmentation: true, udpSegmentation: true };
const CARD = { mac: ADDRESS, mtu: null, pairs: 1, place: 0x20 };
const COMPLETE = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 };

interface Setup extends DriverOptions {
  readonly offloads?: NetOffloads;
  readonly live?: boolean;
  readonly mtu?: number;
  readonly pairs?: number;
}

function start({ offloads, live, mtu, pairs, ...options }: Setup = {}) {
  const cable = new MemoryCable(offloads, live);
  const rig = new VirtioRig(
    virtioNet({ ...CARD, backend: cable, mtu: mtu ?? null, pairs: pairs ?? 1 }),
    'transitional',
    true,
  );
  const driver = new VirtioDriver(rig, { features: VERSION_1, ...options }).start();
  rig.messages();
  return { cable, rig, driver };
}
type Started = ReturnType<typeof start>;

/** A frame to our card whose other bytes tell which one it is. */
const frame = (length: number, mark = 0x11): Uint8Array => {
  const bytes = new Uint8Array(length).fill(mark);
  bytes.set(ADDRESS);
  return bytes;
};
const arrive = ({ cable }: Started, bytes: Uint8Array, header = {}): void =>
  cable.port?.receive({ bytes, header: { ...COMPLETE, ...header } });

function offer({ driver }: Started, length: number, kick = true): number {
  const address = driver.allocate(length);
  driver.ring(RX).add([], [{ address, length }]);
  if (kick) driver.kick(RX);
  return address;
}

function send({ driver, rig }: Started, header: readonly number[], bytes: Uint8Array, cut = header.length): void {
  const all = Uint8Array.of(...header, ...bytes);
  const address = driver.allocate(all.length);
  rig.memory.write(address, all);
  driver.ring(TX).add(
    [
      { address, length: cut },
      { address: address + cut, length: all.length - cut },
    ],
    [],
  );
  driver.kick(TX);
}

function command({ driver, rig }: Started, ...bytes: readonly number[]): number {
  const address = driver.allocate(bytes.length + 1);
  rig.memory.write(address, Uint8Array.from(bytes));
  rig.memory.writeU8(address + bytes.length, 0xee);
  driver.ring(CONTROL).add([{ address, length: bytes.length }], [{ address: address + bytes.length, length: 1 }]);
  driver.kick(CONTROL);
  return rig.memory.readU8(address + bytes.length);
}

const counts = ({ rig }: Started) => {
  const { lostIn, lostOut } = rig.device.serialize().fields;
  return { in: Number(lostIn), out: Number(lostOut) };
};

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
    const started = start(options);
    send(started, PLAIN.slice(0, header), frame(60), 25);
    expect(started.cable.sent).toEqual([{ header: COMPLETE, bytes: frame(60) }]);
    expect(started.driver.ring(TX).used()).toEqual([{ id: expect.any(Number), length: 0 }]);
    expect(started.rig.messages()).toEqual([2]);
  });

  test('receives a frame', () => {
    const started = start(options);
    const at = offer(started, 2000);
    arrive(started, frame(60));
    expect(started.driver.ring(RX).used()).toEqual([{ id: expect.any(Number), length: header + 60 }]);
    const buffers = header === 12 ? [1, 0] : [];
    expect([...started.rig.memory.read(at, header)]).toEqual([...PLAIN.slice(0, 10), ...buffers]);
    expect(started.rig.memory.read(at + header, 60)).toEqual(frame(60));
    expect(started.rig.messages()).toEqual([1]);
  });

  test('a frame without a buffer waits for one, over a save as well', () => {
    const started = start(options);
    for (const mark of [1, 2, 3]) arrive(started, frame(60, mark));
    started.rig.device.deserialize(started.rig.device.serialize());
    const at = [offer(started, 100), offer(started, 100)];
    expect(started.driver.ring(RX).used()).toHaveLength(2);
    expect(at.map((address) => started.rig.memory.readU8(address + header + 20))).toEqual([1, 2]);
    expect(counts(started)).toEqual({ in: 0, out: 0 });
  });
});

test('says who it is', () => {
  const { driver } = start({ mtu: 1400 });
  expect([0, 1, 2, 3, 4, 5].map((offset) => driver.config(offset, 1))).toEqual([...ADDRESS]);
  expect([6, 8, 10].map((offset) => driver.config(offset, 2))).toEqual([1, 1, 1400]);
  expect(driver.offered & (MAC | STATUS | MTU | MRG_RXBUF | CTRL_VQ)).toBe(MAC | STATUS | MTU | MRG_RXBUF | CTRL_VQ);
  expect(start().driver.offered & MTU).toBe(0n);
});

test.each([
  [{ checksum: false, segmentation: false, udpSegmentation: false }, 0n],
  [{ checksum: true, segmentation: false, udpSegmentation: false }, CSUM | GUEST_CSUM],
  [{ checksum: true, segmentation: true, udpSegmentation: false }, CSUM | GUEST_CSUM | GUEST_TSO4 | HOST_TSO4],
  [ALL, CSUM | GUEST_CSUM | GUEST_TSO4 | HOST_TSO4 | HOST_USO],
])('offers what its back end takes: %j', (offloads, expected) => {
  expect(start({ offloads }).driver.offered & (CSUM | GUEST_CSUM | GUEST_TSO4 | HOST_TSO4 | HOST_USO)).toBe(expected);
});

test('a long frame fills several buffers, if the driver wants that', () => {
  const started = start({ features: VERSION_1 | MRG_RXBUF });
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
  const started = start({ features: VERSION_1 | MRG_RXBUF | EVENT_IDX | ring });
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

test('a frame that fits into no buffer is lost, and the next one is not', () => {
  const started = start();
  const at = offer(started, 100);
  arrive(started, frame(200));
  arrive(started, frame(80, 9));
  expect(counts(started).in).toBe(1);
  expect(started.rig.memory.readU8(at + 12 + 20)).toBe(9);
});

test('a frame that all buffers of the ring together do not hold is lost', () => {
  const started = start({ features: VERSION_1 | MRG_RXBUF, queueSize: 4 });
  for (let count = 0; count < 4; count += 1) offer(started, 50);
  arrive(started, frame(400));
  arrive(started, frame(30));
  expect(started.driver.ring(RX).used()).toHaveLength(1);
  expect(counts(started).in).toBe(1);
});

test('what waits is bounded, and the rest is counted', () => {
  const started = start();
  for (let count = 0; count < 300; count += 1) arrive(started, frame(60));
  expect(counts(started).in).toBe(300 - 256);
  const big = start();
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
    const started = start({ features: all });
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
    const started = start({ features });
    send(started, header, frame(60));
    expect(started.cable.sent).toEqual([]);
    expect(counts(started).out).toBe(1);
    expect(started.driver.ring(TX).used()).toHaveLength(1);
    expect(started.driver.status & NEEDS_RESET).toBe(0);
  });

  test.each([
    ['shorter than its header', undefined, -5],
    ['shorter than two addresses', undefined, 13],
    ['longer than the MTU', 1400, 1419],
  ])('a frame that is %s is dropped', (_, mtu, length) => {
    const started = start({ ...(mtu !== undefined && { mtu }) });
    if (length < 0) send(started, PLAIN.slice(0, 12 + length), new Uint8Array(0), 3);
    else send(started, PLAIN, frame(length));
    expect([started.cable.sent, counts(started).out]).toEqual([[], 1]);
  });

  test('one of gigabytes is dropped unread', () => {
    const started = start();
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
    const [does, doesNot] = [start({ features: VERSION_1 | GUEST_CSUM }), start()];
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
    const started = start({ features: VERSION_1 | GUEST_CSUM });
    offer(started, 2000);
    arrive(started, frame(500), { flags: 1, gsoType: 1, gsoSize: 100 });
    expect([started.driver.ring(RX).used(), counts(started).in]).toEqual([[], 1]);
  });
});

test('a receive buffer without room for a header breaks a rule', () => {
  const started = start();
  offer(started, 11);
  arrive(started, frame(60));
  expect(started.driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
});

test('many frames are sent a few at a time', () => {
  const started = start();
  const { driver, cable, rig } = started;
  const address = driver.allocate(100);
  for (let count = 0; count < 100; count += 1) driver.ring(TX).add([{ address, length: 72 }], []);
  driver.kick(TX);
  expect(cable.sent).toHaveLength(64);
  rig.rig.clock.advance(1000n);
  expect(cable.sent).toHaveLength(100);
});

test('what the back end has no room for is lost', () => {
  const started = start();
  started.cable.isFull = true;
  send(started, PLAIN, frame(60));
  expect(counts(started).out).toBe(1);
});

test('the address may be changed by a command, and is its own again after a reset', () => {
  const started = start({ features: VERSION_1 | CTRL_VQ | CTRL_MAC });
  expect(command(started, 1, 1, 2, 4, 6, 8, 10, 12)).toBe(0);
  expect(started.driver.config(5, 1)).toBe(12);
  started.driver.setConfig(5, 1, 99);
  expect(started.driver.config(5, 1)).toBe(12);
  started.driver.status = 0;
  expect(started.driver.config(5, 1)).toBe(3);
  expect(command(start({ features: VERSION_1 | CTRL_VQ }), 1, 1, 2, 4, 6, 8, 10, 12)).toBe(1);
});

test('a legacy driver writes the address into the configuration', () => {
  const { driver } = start({ via: 'legacy', features: 0n });
  driver.setConfig(5, 1, 99);
  expect(driver.config(5, 1)).toBe(99);
});

test('a command without room for its answer breaks a rule', () => {
  const { driver } = start({ features: VERSION_1 | CTRL_VQ });
  driver.ring(CONTROL).add([{ address: 0x30000, length: 3 }], []);
  driver.kick(CONTROL);
  expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
});

test('only frames that the driver wants come in', () => {
  const started = start({ features: VERSION_1 | CTRL_VQ | CTRL_RX });
  expect(command(started, 0, 0, 0)).toBe(0);
  const stranger = frame(60);
  stranger[5] = 77;
  arrive(started, stranger);
  arrive(started, frame(60));
  expect(started.rig.device.serialize().fields.waiting).toHaveLength(1);
  expect(counts(started).in).toBe(0);
});

test('a link that goes down is a change of configuration', () => {
  const started = start({ features: VERSION_1 | STATUS });
  const before = started.driver.commonRead(0x15, 1);
  started.cable.port?.setLink(false);
  started.cable.port?.setLink(false);
  expect(started.rig.messages()).toEqual([0]);
  expect([started.driver.config(6, 2), started.driver.commonRead(0x15, 1)]).toEqual([0, before + 1]);
  started.rig.device.reset();
  expect(started.rig.device.serialize().fields.linkUp).toBe(false);
});

test('a guest on a live link is to announce itself after a restore, until it has', () => {
  const started = start({ features: VERSION_1 | STATUS | CTRL_VQ | ANNOUNCE, live: true });
  started.cable.port?.setLink(false);
  started.rig.device.deserialize(started.rig.device.serialize());
  started.rig.messages();
  started.rig.device.rejoined();
  expect(started.rig.messages()).toEqual([0, 0]);
  expect(started.driver.config(6, 2)).toBe(3);
  expect(command(started, 3, 0)).toBe(0);
  expect(started.driver.config(6, 2)).toBe(1);
});

test('on a cable within the machine nobody has forgotten it', () => {
  const started = start({ features: VERSION_1 | STATUS | CTRL_VQ | ANNOUNCE });
  started.rig.device.rejoined();
  expect(started.rig.messages()).toEqual([]);
});

test('a state with another MTU, or with too much waiting, is refused', () => {
  const saved = start({ mtu: 1400 }).rig.device.serialize();
  expect(() => start().rig.device.deserialize(saved)).toThrow('virtio.mtu: saved with 1400, here it is 0');
  const one = { pair: 0, header: COMPLETE, bytes: new Uint8Array(65_000) };
  const { rig } = start();
  const full = rig.device.serialize();
  const waiting = Array.from({ length: 5 }, () => one);
  expect(() => rig.device.deserialize({ ...full, fields: { ...full.fields, waiting } })).toThrow(
    'virtio.waiting: expected at most 262144 bytes, got 325000',
  );
});

test('closing lets go of the back end, and an MTU that no card has is refused', () => {
  const { rig, cable } = start();
  rig.device.close();
  expect(cable.isClosed).toBe(true);
  expect(() => virtioNet({ ...CARD, backend: cable, mtu: 67 })).toThrow('mtu: expected 68 to 65535, got 67');
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
