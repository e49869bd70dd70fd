// SPDX-License-Identifier: BSD-2-Clause
/** Segments of UDP that a driver leaves to its card, or takes from it (VIRTIO-1.3 §5.1.6). */
import { virtioNet } from '../../../devices/virtio/net.js';
import type { PacketHeader } from '../../../devices/virtio/net-backend.js';
import { MemoryCable } from '../../support/memory-cable.js';
import {
  ADDRESS,
  arrive,
  CARD,
  CSUM,
  CTRL_VQ,
  command,
  counts,
  GUEST_CSUM,
  GUEST_TSO4,
  HOST_TSO4,
  MRG_RXBUF,
  MTU,
  offer,
  RX,
  type StartedCard,
  send,
  startCard,
  TX,
} from '../../support/net-card.js';
import { bitsOf, NEEDS_RESET, VERSION_1 } from '../../support/virtio-driver.js';
import { MEMORY_END, newMemory, VirtioRig } from '../../support/virtio-rig.js';

const [CTRL_OFFLOADS, USO4, USO6, HOST_USO] = [2, 54, 55, 56].map((bit) => bitsOf(bit)) as [
  ...[bigint, bigint, bigint, bigint],
];
const HEADER = 12;
const MERGED = VERSION_1 | MRG_RXBUF;
const TAKES = GUEST_CSUM | USO4 | USO6;
const SIZE = 1000;
const DATA = 2500;

interface Family {
  readonly type: number;
  readonly ip: readonly number[];
}

const V4: Family = { type: 0x0800, ip: [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1] };
const V6: Family = { type: 0x86dd, ip: [0x60, 0, 0, 0, 0, 0, 17, 64, ...new Array<number>(32).fill(0xfe)] };

/** Three datagrams in one, from Ethernet's header on. */
function datagrams({ type, ip }: Family): Uint8Array {
  const udp = [0x14, 0xb3, 0x14, 0xb3, (8 + DATA) >> 8, (8 + DATA) & 0xff, 0x12, 0x34];
  const data = Array.from({ length: DATA }, (_, at) => at & 0xff);
  return Uint8Array.of(...ADDRESS, 2, 0, 0, 0, 0, 1, type >> 8, type & 0xff, ...ip, ...udp, ...data);
}

function asked({ ip }: Family): PacketHeader {
  const udp = 14 + ip.length;
  return { flags: 1, gsoType: 5, hdrLen: udp + 8, gsoSize: SIZE, csumStart: udp, csumOffset: 6 };
}

const words = ({ flags, gsoType, hdrLen, gsoSize, csumStart, csumOffset }: PacketHeader, buffers = 0): number[] => [
  flags,
  gsoType,
  ...[hdrLen, gsoSize, csumStart, csumOffset, buffers].flatMap((word) => [word & 0xff, word >> 8]),
];

/** All that lies in the buffers which the driver has got back. */
function received({ driver, rig }: StartedCard, at: readonly number[]): number[] {
  const used = driver.ring(RX).used();
  return used.flatMap(({ length }, index) => [...rig.memory.read(at[index] ?? 0, length)]);
}

const setOffloads = (started: StartedCard, bits: bigint): number =>
  command(started, 5, 0, ...Array.from({ length: 8 }, (_, at) => Number((bits >> BigInt(8 * at)) & 0xffn)));

describe.each([
  ['IPv4', V4],
  ['IPv6', V6],
])('over %s', (_, family) => {
  const [bytes, header] = [datagrams(family), asked(family)];

  test('what the driver sends goes out uncut, with all that cutting needs', () => {
    const started = startCard({ features: VERSION_1 | CSUM | HOST_USO });
    send(started, words(header), bytes);
    expect(started.cable.sent).toEqual([{ header, bytes }]);
  });

  test('what comes in reaches the driver uncut, over several buffers', () => {
    const started = startCard({ features: MERGED | TAKES });
    const at = [700, 700, 1500].map((length) => offer(started, length));
    arrive(started, bytes, header);
    expect(started.cable.taken).toEqual([{ checksum: true, tcp4: false, tcp6: false, udp: true }]);
    expect(received(started, at)).toEqual([...words(header, 3), ...bytes]);
  });

  test('what comes in fits into one long buffer', () => {
    const started = startCard({ features: VERSION_1 | TAKES });
    const at = [offer(started, 65562)];
    arrive(started, bytes, header);
    expect(received(started, at)).toEqual([...words(header, 1), ...bytes]);
  });

  test.each([
    ['nothing', 0n],
    ['sums only', GUEST_CSUM],
    ['segments of TCP', GUEST_CSUM | GUEST_TSO4],
    ['datagrams of IPv4 only', GUEST_CSUM | USO4],
    ['datagrams of IPv6 only', GUEST_CSUM | USO6],
    ['datagrams without sums, against §5.1.3.1', USO4 | USO6],
  ])('a guest that takes %s gets none', (_takes, features) => {
    const started = startCard({ features: MERGED | features });
    for (let count = 0; count < 3; count += 1) offer(started, 1500);
    arrive(started, bytes, header);
    expect([started.driver.ring(RX).used(), counts(started).in]).toEqual([[], 1]);
    expect(started.cable.taken.some(({ udp }) => udp)).toBe(false);
  });
});

const [bytes, header] = [datagrams(V4), asked(V4)];
const ALL = VERSION_1 | CSUM | HOST_USO;

test.each([
  ['that were not negotiated', VERSION_1 | CSUM | HOST_TSO4, header],
  ['of TCP, which were not', ALL, { ...header, gsoType: 1 }],
  ['without a sum', ALL, { ...header, flags: 0 }],
  ['of no size', ALL, { ...header, gsoSize: 0 }],
  ['whose sum lies outside', ALL, { ...header, csumStart: bytes.length - 7 }],
  ['with ECN, which UDP does not have', ALL, { ...header, gsoType: 0x85 }],
])('segments %s are dropped', (_, features, wrong) => {
  const started = startCard({ features });
  send(started, words(wrong), bytes);
  expect([started.cable.sent, counts(started).out]).toEqual([[], 1]);
  expect(started.driver.ring(TX).used()).toHaveLength(1);
  expect(started.driver.status & NEEDS_RESET).toBe(0);
});

test('an MTU binds what will be cut no sooner than it is cut', () => {
  const started = startCard({ features: ALL | MTU | TAKES, mtu: 1500 });
  send(started, words(header), bytes);
  send(started, words({ ...header, gsoType: 0, gsoSize: 0 }), bytes);
  expect([started.cable.sent, counts(started).out]).toEqual([[{ header, bytes }], 1]);
  const at = [offer(started, 65562)];
  arrive(started, bytes, header);
  expect(received(started, at)).toHaveLength(HEADER + bytes.length);
});

test('a driver switches them off and on again', () => {
  const started = startCard({ features: VERSION_1 | CTRL_VQ | CTRL_OFFLOADS | TAKES });
  const at = [offer(started, 65562)];
  expect(setOffloads(started, GUEST_CSUM)).toBe(0);
  arrive(started, bytes, header);
  expect([received(started, at), counts(started).in]).toEqual([[], 1]);
  expect(setOffloads(started, TAKES)).toBe(0);
  arrive(started, bytes, header);
  expect(received(started, at)).toEqual([...words(header, 1), ...bytes]);
  expect(started.cable.taken.map(({ udp }) => udp)).toEqual([true, false, true]);
});

test('one that waits for a buffer is still whole after a restore', () => {
  const saved = startCard({ features: MERGED | TAKES });
  arrive(saved, bytes, header);
  const memory = newMemory();
  memory.write(0, saved.rig.memory.read(0, MEMORY_END));
  const cable = new MemoryCable();
  const rig = new VirtioRig(virtioNet({ ...CARD, backend: cable }), 'transitional', true, undefined, memory);
  rig.device.deserialize(saved.rig.device.serialize());
  const address = saved.driver.allocate(4000);
  saved.driver.ring(RX).add([], [{ address, length: 4000 }]);
  memory.write(0, saved.rig.memory.read(0, MEMORY_END));
  rig.device.core.notify(RX);
  expect([...memory.read(address, HEADER + bytes.length)]).toEqual([...words(header, 1), ...bytes]);
});
