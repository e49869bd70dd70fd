// SPDX-License-Identifier: BSD-2-Clause
/** Frames and buffers that do not go together: what is lost, what waits, and how often buffers are looked at. */
import { virtioNet } from '../../../devices/virtio/net.js';
import { MemoryCable } from '../../support/memory-cable.js';
import {
  arrive,
  CARD,
  counts,
  frame,
  MRG_RXBUF,
  offer,
  RX,
  type StartedCard,
  startCard,
} from '../../support/net-card.js';
import { TurnCount } from '../../support/turn-count.js';
import { INDIRECT_DESC, NEEDS_RESET, RING_PACKED, VERSION_1 } from '../../support/virtio-driver.js';
import { MEMORY_END, newMemory, VirtioRig } from '../../support/virtio-rig.js';

const HEADER = 12;
/** The longest chain, in a ring of which there are as many. */
const LONGEST = 256;
const MOST_A_FRAME = 1024;
/** The last buffer that is looked at may be a long one. */
const MOST_A_TURN = MOST_A_FRAME + LONGEST;
const MERGED = VERSION_1 | INDIRECT_DESC | MRG_RXBUF;

/** Buffers of as many descriptors as there may be, all but the last of them empty. */
function offerLong({ driver, rig }: StartedCard, count: number, room: number): number {
  const [table, address] = [driver.allocate(16 * LONGEST), driver.allocate(room)];
  const into = Array.from({ length: LONGEST }, (_, index) => ({ address, length: index < LONGEST - 1 ? 0 : room }));
  for (let index = 0; index < count; index += 1) driver.ring(RX).add([], into, table);
  rig.memory.fill(address, room, 0xee);
  return address;
}

const lengths = ({ driver }: StartedCard): number[] =>
  driver
    .ring(RX)
    .used()
    .map(({ length }) => length);

test('a frame that fits into no buffer is lost, and the next one is not', () => {
  const started = startCard();
  const at = offer(started, 100);
  arrive(started, frame(200));
  arrive(started, frame(80, 9));
  expect(counts(started).in).toBe(1);
  expect(started.rig.memory.readU8(at + HEADER + 20)).toBe(9);
});

test('a frame that all buffers of the ring together do not hold is lost, and they go back empty', () => {
  const started = startCard({ features: VERSION_1 | MRG_RXBUF, queueSize: 4 });
  const at = [50, 50, 50, 50].map((length) => offer(started, length));
  for (const address of at) started.rig.memory.fill(address, 50, 0xee);
  arrive(started, frame(400));
  expect(counts(started).in).toBe(1);
  expect(lengths(started)).toEqual([HEADER, HEADER, HEADER, HEADER]);
  expect(started.rig.messages()).toEqual([1]);
  for (const address of at) {
    expect([...started.rig.memory.read(address, HEADER + 1)]).toEqual([...new Array<number>(10).fill(0), 1, 0, 0xee]);
  }
  arrive(started, frame(30));
  offer(started, 50);
  expect(lengths(started)).toEqual([HEADER + 30]);
});

test('a receive buffer without room for a header breaks a rule', () => {
  const started = startCard();
  offer(started, HEADER - 1);
  arrive(started, frame(60));
  expect(started.driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
});

test.each([
  ['split', 0n],
  ['packed', RING_PACKED],
])('the buffers of a frame are the driver’s all at once, %s', (_, ring) => {
  const started = startCard({ features: MERGED | ring });
  const { memory } = started.rig;
  for (let count = 0; count < 5; count += 1) offer(started, 100);
  // Another vCPU may look at any time.
  const looks: number[][] = [];
  const write = memory.atomicWriteU16.bind(memory);
  memory.atomicWriteU16 = (address, value) => {
    write(address, value);
    looks.push(lengths(started));
  };
  arrive(started, frame(250));
  arrive(started, frame(60));
  expect(looks.filter((seen) => seen.length > 0)).toEqual([[100, 100, HEADER + 250 - 200], [HEADER + 60]]);
});

describe.each([
  ['split', 0n],
  ['packed', RING_PACKED],
])('buffers of many descriptors, %s', (_, ring) => {
  test('that together hold no frame are each looked at once', () => {
    const started = startCard({ features: MERGED | ring });
    for (let count = 0; count < 84; count += 1) arrive(started, frame(3100));
    const count = new TurnCount(started.rig.device.core);
    offerLong(started, LONGEST, HEADER);
    started.driver.kick(RX);
    started.rig.rig.clock.advance(1_000_000n);
    for (let more = 0; more < 8; more += 1) arrive(started, frame(3100));
    expect(lengths(started)).toEqual(new Array<number>(LONGEST).fill(HEADER));
    expect(count.total).toBe(LONGEST * LONGEST);
    expect(count.most).toBeLessThanOrEqual(MOST_A_TURN);
    expect(counts(started).in).toBe((LONGEST * LONGEST) / MOST_A_FRAME);
  });

  test('too few for a frame are looked at up to a limit with each notification, and stay the driver’s', () => {
    const started = startCard({ features: MERGED | ring });
    arrive(started, frame(3100));
    const count = new TurnCount(started.rig.device.core);
    for (let kicks = 0; kicks < 3; kicks += 1) {
      offerLong(started, 1, HEADER);
      started.driver.kick(RX);
      arrive(started, frame(3100));
    }
    expect([lengths(started), counts(started).in]).toEqual([[], 0]);
    expect([count.total, count.most]).toEqual([(1 + 2 + 3) * LONGEST, 3 * LONGEST]);
  });

  test('that are not merged cost a frame one of them', () => {
    const started = startCard({ features: VERSION_1 | INDIRECT_DESC | ring });
    for (let count = 0; count < 84; count += 1) arrive(started, frame(3100));
    const count = new TurnCount(started.rig.device.core);
    const at = offerLong(started, LONGEST, 1000);
    started.driver.kick(RX);
    started.rig.rig.clock.advance(1_000_000n);
    expect([count.total, count.most]).toEqual([84 * LONGEST, MOST_A_FRAME]);
    expect([counts(started).in, lengths(started)]).toEqual([84, []]);
    arrive(started, frame(80, 9));
    expect(started.rig.memory.readU8(at + HEADER + 20)).toBe(9);
  });

  test('are filled a few at a time, over a save as well', () => {
    const started = startCard({ features: MERGED | ring });
    for (let mark = 1; mark <= 30; mark += 1) arrive(started, frame(60, mark));
    offerLong(started, 40, 100);
    started.driver.kick(RX);
    expect(lengths(started)).toEqual(new Array<number>(4).fill(HEADER + 60));
    const { rig } = started;
    const memory = newMemory();
    memory.write(0, rig.memory.read(0, MEMORY_END));
    const kind = virtioNet({ ...CARD, backend: new MemoryCable() });
    const copy = new VirtioRig(kind, 'transitional', true, undefined, memory);
    copy.rig.clock.set(rig.rig.clock.now());
    copy.device.deserialize(rig.device.serialize());
    rig.messages();
    for (const one of [rig, copy]) one.rig.clock.advance(1_000_000n);
    expect(lengths(started)).toHaveLength(26);
    expect(copy.device.serialize()).toEqual(rig.device.serialize());
    expect(Buffer.compare(memory.read(0, MEMORY_END), rig.memory.read(0, MEMORY_END))).toBe(0);
    expect(copy.messages()).toEqual(rig.messages());
  });
});
