// SPDX-License-Identifier: BSD-2-Clause
/** What a back end is told of its guest: offloads, room, and another address for a clone. */
import { virtioNet } from '../../../devices/virtio/net.js';
import type { NetOptions } from '../../../devices/virtio/net-state.js';
import { MemoryCable } from '../../support/memory-cable.js';
import { COMPLETE } from '../../support/net-card.js';
import { bitsOf, VERSION_1, VirtioDriver } from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';

const [GUEST_CSUM, CTRL_OFFLOADS, GUEST_TSO4, HOST_TSO4, CSUM, CTRL_VQ, STATUS, ANNOUNCE] = [
  1, 2, 7, 11, 0, 17, 16, 21,
].map((bit) => bitsOf(bit)) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
const GUEST_USO = bitsOf(54, 55);
const ADDRESS = Uint8Array.of(0x00, 0xa0, 0x98, 1, 2, 3);
const OTHER = Uint8Array.of(0x00, 0xa0, 0x98, 4, 5, 6);
const SEED = Uint8Array.of(0x10, 1, 2, 3, 4, 5, 6, 7);
const NOTHING = { checksum: false, tcp4: false, tcp6: false, udp: false };

function start(features: bigint, card: Partial<NetOptions> = {}, live = false) {
  const cable = new MemoryCable(undefined, live);
  const options = { backend: cable, mac: ADDRESS, mtu: null, pairs: 1, place: 0x20, ...card };
  const rig = new VirtioRig(virtioNet(options), 'transitional', true);
  const driver = new VirtioDriver(rig, { features: VERSION_1 | features }).start();
  return { cable, rig, driver };
}
type Started = ReturnType<typeof start>;

const arrive = ({ cable }: Started, header = {}, length = 60): void =>
  cable.port?.receive({ header: { ...COMPLETE, ...header }, bytes: new Uint8Array(length) });

function setOffloads({ driver, rig }: Started, bits: bigint): void {
  const address = driver.allocate(11);
  rig.memory.write(address, Uint8Array.of(5, 0));
  rig.memory.writeU64(address + 2, bits);
  driver.ring(2).add([{ address, length: 10 }], [{ address: address + 10, length: 1 }]);
  driver.kick(2);
}

test('a back end hears what the guest takes before the first frame, and of every change', () => {
  const started = start(CTRL_VQ | CTRL_OFFLOADS | GUEST_CSUM | GUEST_TSO4 | GUEST_USO);
  const { cable, rig, driver } = started;
  arrive(started);
  const all = { checksum: true, tcp4: true, tcp6: false, udp: true };
  expect(cable.taken).toEqual([all]);
  setOffloads(started, GUEST_CSUM);
  expect(cable.taken.at(-1)).toEqual({ ...NOTHING, checksum: true });
  arrive(started, { flags: 1, gsoType: 1, gsoSize: 100, csumStart: 34, csumOffset: 16 }, 500);
  expect(rig.device.serialize().fields).toMatchObject({ lostIn: 1n });
  rig.device.deserialize(rig.device.serialize());
  arrive(started);
  setOffloads(started, 0n);
  expect(cable.taken).toHaveLength(3);
  driver.status = 0;
  arrive(started);
  expect(cable.taken).toHaveLength(3);
});

test('datagrams of one protocol alone are not asked for', () => {
  const started = start(GUEST_CSUM | bitsOf(54));
  arrive(started);
  expect(started.cable.taken).toEqual([{ ...NOTHING, checksum: true }]);
});

test('a driver that knows nothing of sums is told nothing about them', () => {
  for (const [features, flags] of [
    [GUEST_CSUM, 2],
    [0n, 0],
  ] as const) {
    const started = start(features);
    const address = started.driver.allocate(200);
    started.driver.ring(0).add([], [{ address, length: 200 }]);
    started.driver.kick(0);
    arrive(started, { flags: 2 });
    expect(started.rig.memory.readU8(address)).toBe(flags);
  }
});

test('there is room until a lot waits, and then again once buffers have come', () => {
  const started = start(0n);
  const { cable, driver } = started;
  expect(cable.port?.hasRoom).toBe(true);
  for (let count = 0; count < 250; count += 1) arrive(started);
  expect(cable.port?.hasRoom).toBe(false);
  for (let count = 0; count < 57; count += 1) {
    driver.ring(0).add([], [{ address: driver.allocate(72), length: 72 }]);
    driver.kick(0);
  }
  expect([cable.port?.hasRoom, cable.roomCalls]).toEqual([false, 0]);
  driver.ring(0).add([], [{ address: driver.allocate(72), length: 72 }]);
  driver.kick(0);
  expect([cable.port?.hasRoom, cable.roomCalls]).toEqual([true, 1]);
});

test('a state whose driver counts on offloads that the back end does not have is refused', () => {
  const saved = start(CSUM | HOST_TSO4).rig.device.serialize();
  const offloads = { checksum: false, segmentation: false, udpSegmentation: false };
  const { rig } = start(0n, { backend: new MemoryCable(offloads) });
  expect(() => rig.device.deserialize(saved)).toThrow(
    'virtio.virtio.driverFeatures: the driver leaves work (0x801) to a back end as it was saved with',
  );
});

test('a state of version 1 has one pair and every offload', () => {
  const { rig } = start(0n);
  const { kind, fields } = rig.device.serialize();
  const { pairs: _pairs, offloadsOff: _off, ...old } = fields;
  const waiting = [{ header: COMPLETE, bytes: new Uint8Array(60) }];
  rig.device.deserialize({ kind, version: 1, fields: { ...old, waiting } });
  expect(rig.device.serialize().fields).toMatchObject({ pairs: 1, offloadsOff: 0n, waiting: [{ pair: 0 }] });
});

test('a link that comes back asks a guest to announce itself', () => {
  const started = start(STATUS | CTRL_VQ | ANNOUNCE, {}, true);
  started.cable.port?.setLink(false);
  started.cable.port?.setLink(true);
  expect(started.driver.config(6, 2)).toBe(3);
});

describe('another address', () => {
  const macs = ({ rig }: Started) => {
    const { mac, ownMac } = rig.device.serialize().fields;
    return { mac, ownMac };
  };

  test('is that of the name, and the driver has it from its next start on', () => {
    const saved = start(0n).rig.device.serialize();
    const clone = start(0n, { mac: OTHER });
    clone.rig.device.deserialize(saved);
    clone.rig.device.renewAddress(SEED);
    expect(macs(clone)).toEqual({ mac: ADDRESS, ownMac: OTHER });
    clone.driver.status = 0;
    expect(macs(clone)).toEqual({ mac: OTHER, ownMac: OTHER });
  });

  test('follows from the seed where the name leads to the same one', () => {
    const started = start(0n);
    started.driver.status = 0;
    started.rig.device.renewAddress(SEED);
    const drawn = Uint8Array.of(0x12, 1, 2, 3, 4, 0x25);
    expect(macs(started)).toEqual({ mac: drawn, ownMac: drawn });
  });
});
