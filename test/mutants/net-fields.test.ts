// SPDX-License-Identifier: BSD-2-Clause
/** Every field of a network card's own is needed by its guest or its back end after a restore. */
import { type Life, unnoticed } from '../support/field-mutants.js';
import {
  ADDRESS,
  ANNOUNCE,
  arrive,
  CSUM,
  CTRL_MAC,
  CTRL_RX,
  CTRL_VQ,
  commandOn,
  GUEST_CSUM,
  GUEST_TSO4,
  MAC,
  MRG_RXBUF,
  MTU,
  STATUS,
  startCard,
} from '../support/net-card.js';
import { tcpSegment } from '../support/tcp-segment.js';
import { bitsOf, RING_PACKED, VERSION_1 } from '../support/virtio-driver.js';

/** These have proofs of their own. */
const COMMON = ['config', 'msi', 'msix', 'virtio'];
/** What is lost is counted for whoever looks into the state; another MTU is refused. */
const UNNOTICED = ['lostIn', 'lostOut', 'mtu'];
const [GUEST_OFFLOADS, CTRL_RX_EXTRA, MQ] = [bitsOf(2), bitsOf(20), bitsOf(22)];
const FEATURES = [VERSION_1, RING_PACKED, MAC, MTU, MRG_RXBUF, STATUS, CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_OFFLOADS]
  .concat([CTRL_VQ, CTRL_RX, CTRL_RX_EXTRA, CTRL_MAC, ANNOUNCE, MQ])
  .reduce((all, feature) => all | feature, 0n);
const CONTROL = 4;
const ROOM = 128;
const PART = { flags: 1, gsoType: 1, hdrLen: 54, gsoSize: 20, csumStart: 34, csumOffset: 16 };
const LISTED = [2, 0, 0, 0, 0, 7];
const GROUP = [1, 0, 0x5e, 0, 0, 9];
const OTHER_GROUP = [1, 0, 0x5e, 0, 0, 8];
const STRANGER = [2, 9, 9, 9, 9, 9];
const EVERYBODY = [255, 255, 255, 255, 255, 255];
const MINUTES = 600_000;

function card(): Life {
  const started = startCard({ features: FEATURES, live: true, pairs: 2, mtu: 1000 });
  const { cable, driver, rig } = started;
  const buffers: number[] = [];
  const offer = (pair: number, count: number): void => {
    for (let added = 0; added < count; added += 1) {
      const address = driver.allocate(ROOM);
      buffers.push(address);
      driver.ring(2 * pair).add([], [{ address, length: ROOM }]);
    }
    driver.kick(2 * pair);
  };
  const send = (pair: number, length: number): void => {
    const address = driver.allocate(length);
    driver.ring(2 * pair + 1).add([{ address, length }], []);
    driver.kick(2 * pair + 1);
  };
  const command = (...bytes: readonly number[]): number => commandOn(started, CONTROL, ...bytes);
  const tables = (unicast: readonly number[][], multicast: readonly number[][]): number => {
    const table = (list: readonly number[][]): number[] => [list.length, 0, 0, 0, ...list.flat()];
    return command(1, 0, ...table(unicast), ...table(multicast));
  };
  const seen = () => ({
    used: driver.rings.map((ring) => ring.used()),
    buffers: buffers.map((address) => Buffer.from(rig.memory.read(address, ROOM)).toString('hex')),
    sent: cable.sent.splice(0).map(({ bytes }) => bytes.length),
    taken: cable.taken.splice(0),
    config: [0, 4, 8].map((offset) => driver.config(offset, 4)),
    messages: rig.messages(),
  });
  const doing = (work: () => unknown) => () => ({ answer: work(), ...seen() });
  /** Which frames reach the guest. */
  const probe = doing(() => {
    offer(0, 6);
    offer(1, 6);
    const places = [ADDRESS, LISTED, GROUP, OTHER_GROUP, STRANGER, EVERYBODY];
    for (const [mark, to] of places.entries()) arrive(started, tcpSegment(to, 1, mark));
  });
  const mode = (number: number) => [
    doing(() => command(0, number, 1)),
    probe,
    doing(() => command(0, number, 0)),
    probe,
  ];
  const many = Array.from({ length: 65 }, (_, index) => [2, 1, 1, 1, 1, index]);
  const manyGroups = many.map(([, ...rest]) => [3, ...rest]);
  const steps = [
    doing(() => command(4, 0, 2, 0)),
    doing(() => arrive(started, tcpSegment(ADDRESS, 1), PART)),
    doing(() => arrive(started, tcpSegment(ADDRESS, 2), PART)),
    doing(() => arrive(started, tcpSegment(ADDRESS, 3), PART)),
    doing(() => offer(0, 4)),
    doing(() => offer(1, 4)),
    doing(() => command(5, 0, 0x02, 0, 0, 0, 0, 0, 0, 0)),
    doing(() => arrive(started, tcpSegment(ADDRESS, 1), { ...PART, gsoType: 0 })),
    doing(() => command(5, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
    doing(() => arrive(started, tcpSegment(ADDRESS, 1), { ...PART, gsoType: 0 })),
    doing(() => send(0, 1100)),
    doing(() => send(1, 900)),
    doing(() => command(0, 0, 0)),
    probe,
    doing(() => tables([LISTED], [GROUP])),
    probe,
    ...[1, 2, 3, 4, 5].flatMap(mode),
    doing(() => tables(many, [])),
    probe,
    doing(() => tables([], manyGroups)),
    probe,
    doing(() => command(1, 1, ...STRANGER)),
    probe,
    doing(() => cable.port?.setLink(false)),
    doing(() => cable.port?.setLink(true)),
    doing(() => command(3, 0)),
    doing(() => rig.device.rejoined()),
    doing(() => command(3, 0)),
    doing(() => {
      driver.status = 0;
    }),
    doing(() => driver.offered),
  ];
  return { device: rig.device, steps };
}

test(
  'virtio-net',
  () => {
    expect(unnoticed(card, { ignored: COMMON }).sort()).toEqual(UNNOTICED);
  },
  MINUTES,
);
