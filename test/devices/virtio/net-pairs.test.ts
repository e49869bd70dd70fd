// SPDX-License-Identifier: BSD-2-Clause
/** A card with several pairs of queues, and how frames find theirs. */
import { virtioNet } from '../../../devices/virtio/net.js';
import { MemoryCable } from '../../support/memory-cable.js';
import { arrive, COMPLETE, CTRL_VQ, commandOn, type StartedCard, startCard } from '../../support/net-card.js';
import { bitsOf, VERSION_1 } from '../../support/virtio-driver.js';

const MQ = bitsOf(22);
const PAIRS = 4;
const HEADER = 12;

const start = (features: bigint): StartedCard => startCard({ features: VERSION_1 | CTRL_VQ | features, pairs: PAIRS });

/** TCP over IPv4, from a port of the other side. */
function segment(port: number, mark: number): Uint8Array {
  const frame = new Uint8Array(60).fill(mark);
  frame.set([2, 0, 0, 0, 0, 1], 0);
  frame.set([0x08, 0x00, 0x45], 12);
  frame.set([0, 0], 20);
  frame[23] = 6;
  frame.set([10, 0, 0, 2, 10, 0, 0, 1], 26);
  frame.set([port >> 8, port & 0xff, 0, 80], 34);
  return frame;
}

const queueOf = ({ rig }: StartedCard, index: number) => {
  const queue = rig.device.core.queues[index];
  if (queue === undefined) throw new Error(`no queue ${index}`);
  return queue;
};
const waiting = ({ rig }: StartedCard) =>
  rig.device.serialize().fields.waiting as { pair: number; bytes: Uint8Array }[];

test('says how many pairs it has, and offers MQ only for more than one', () => {
  const { driver } = start(MQ);
  expect(driver.offered & MQ).toBe(MQ);
  expect(driver.config(8, 2)).toBe(PAIRS);
});

test('the control queue is the last with MQ, and the third without', () => {
  const several = start(MQ);
  expect(commandOn(several, 2 * PAIRS, 4, 0, 3, 0)).toBe(0);
  expect(several.rig.device.serialize().fields.pairs).toBe(3);
  const single = start(0n);
  expect(commandOn(single, 2, 4, 0, 3, 0)).toBe(1);
  expect(commandOn(single, 2 * PAIRS, 4, 0, 3, 0)).toBe(0xee);
});

test('every transmit queue sends', () => {
  const started = start(MQ);
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const address = started.driver.allocate(HEADER + 60);
    started.rig.memory.write(address + HEADER, segment(1, pair));
    started.driver.ring(2 * pair + 1).add([{ address, length: HEADER + 60 }], []);
    started.driver.kick(2 * pair + 1);
  }
  expect(started.cable.sent.map(({ bytes }) => bytes[59])).toEqual([0, 1, 2, 3]);
});

test('until the driver asks for more, everything comes to the first pair', () => {
  const started = start(MQ);
  for (let port = 1; port < 20; port += 1) arrive(started, segment(port, 0));
  expect(new Set(waiting(started).map(({ pair }) => pair))).toEqual(new Set([0]));
});

test('a conversation stays with its pair, and others go to others', () => {
  const started = start(MQ);
  commandOn(started, 2 * PAIRS, 4, 0, PAIRS, 0);
  const pairOf = (port: number): number | undefined => {
    arrive(started, segment(port, 0));
    return waiting(started).at(-1)?.pair;
  };
  const pairs = Array.from({ length: 40 }, (_, port) => pairOf(port));
  expect(new Set(pairs)).toEqual(new Set([0, 1, 2, 3]));
  expect(Array.from({ length: 40 }, (_, port) => pairOf(port))).toEqual(pairs);
});

test('frames wait for buffers of their own queue, over a save as well', () => {
  const started = start(MQ);
  commandOn(started, 2 * PAIRS, 4, 0, PAIRS, 0);
  for (let port = 0; port < 40; port += 1) arrive(started, segment(port, port));
  const before = waiting(started);
  started.rig.device.deserialize(started.rig.device.serialize());
  const [wanted] = before.filter(({ pair }) => pair === 2);
  const address = started.driver.allocate(200);
  started.driver.ring(4).add([], [{ address, length: 200 }]);
  started.driver.kick(4);
  expect(started.rig.memory.read(address + HEADER, 60)).toEqual(wanted?.bytes);
  expect(waiting(started)).toEqual(before.filter((frame) => frame !== wanted));
});

test('a reset of one queue forgets what waited for it alone, a reset of all the pairs too', () => {
  const started = start(MQ);
  commandOn(started, 2 * PAIRS, 4, 0, PAIRS, 0);
  for (let port = 0; port < 40; port += 1) arrive(started, segment(port, port));
  started.rig.device.model.abandon(queueOf(started, 2));
  expect(new Set(waiting(started).map(({ pair }) => pair))).toEqual(new Set([0, 2, 3]));
  started.driver.status = 0;
  expect(started.rig.device.serialize().fields).toMatchObject({ waiting: [], pairs: 1 });
});

test('a state with more pairs than here is refused', () => {
  const saved = start(MQ).rig.device.serialize();
  const { rig } = start(MQ);
  const load = (fields: object) => () => rig.device.deserialize({ ...saved, fields: { ...saved.fields, ...fields } });
  expect(load({ pairs: 5 })).toThrow('virtio.pairs: expected at most 4, got 5');
  expect(load({ waiting: [{ pair: 4, header: COMPLETE, bytes: new Uint8Array(60) }] })).toThrow(
    'virtio.waiting[0].pair: expected 0 to 3',
  );
});

test('numbers of pairs that no card has are refused', () => {
  const card = { backend: new MemoryCable(), mac: new Uint8Array(6), mtu: null, place: 0 };
  for (const pairs of [0, 9])
    expect(() => virtioNet({ ...card, pairs })).toThrow(`pairs: expected 1 to 8, got ${pairs}`);
});
