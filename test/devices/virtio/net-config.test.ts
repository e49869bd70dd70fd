// SPDX-License-Identifier: BSD-2-Clause
/** What a card says of itself, and what its driver and its link change: configuration, commands, the link, its state. */
import { virtioNet } from '../../../devices/virtio/net.js';
import {
  ADDRESS,
  ANNOUNCE,
  arrive,
  CARD,
  COMPLETE,
  CONTROL,
  CSUM,
  CTRL_MAC,
  CTRL_RX,
  CTRL_VQ,
  command,
  counts,
  frame,
  GUEST_CSUM,
  GUEST_TSO4,
  HOST_TSO4,
  MAC,
  MRG_RXBUF,
  MTU,
  STATUS,
  startCard,
} from '../../support/net-card.js';
import { bitsOf, NEEDS_RESET, VERSION_1 } from '../../support/virtio-driver.js';

const HOST_USO = bitsOf(56);
const ALL = { checksum: true, segmentation: true, udpSegmentation: true };

test('says who it is', () => {
  const { driver } = startCard({ mtu: 1400 });
  expect([0, 1, 2, 3, 4, 5].map((offset) => driver.config(offset, 1))).toEqual([...ADDRESS]);
  expect([6, 8, 10].map((offset) => driver.config(offset, 2))).toEqual([1, 1, 1400]);
  expect(driver.offered & (MAC | STATUS | MTU | MRG_RXBUF | CTRL_VQ)).toBe(MAC | STATUS | MTU | MRG_RXBUF | CTRL_VQ);
  expect(startCard().driver.offered & MTU).toBe(0n);
});

test.each([
  [{ checksum: false, segmentation: false, udpSegmentation: false }, 0n],
  [{ checksum: true, segmentation: false, udpSegmentation: false }, CSUM | GUEST_CSUM],
  [{ checksum: true, segmentation: true, udpSegmentation: false }, CSUM | GUEST_CSUM | GUEST_TSO4 | HOST_TSO4],
  [ALL, CSUM | GUEST_CSUM | GUEST_TSO4 | HOST_TSO4 | HOST_USO],
])('offers what its back end takes: %j', (offloads, expected) => {
  expect(startCard({ offloads }).driver.offered & (CSUM | GUEST_CSUM | GUEST_TSO4 | HOST_TSO4 | HOST_USO)).toBe(
    expected,
  );
});

test('the address may be changed by a command, and is its own again after a reset', () => {
  const started = startCard({ features: VERSION_1 | CTRL_VQ | CTRL_MAC });
  expect(command(started, 1, 1, 2, 4, 6, 8, 10, 12)).toBe(0);
  expect(started.driver.config(5, 1)).toBe(12);
  started.driver.setConfig(5, 1, 99);
  expect(started.driver.config(5, 1)).toBe(12);
  started.driver.status = 0;
  expect(started.driver.config(5, 1)).toBe(3);
  expect(command(startCard({ features: VERSION_1 | CTRL_VQ }), 1, 1, 2, 4, 6, 8, 10, 12)).toBe(1);
});

test('a legacy driver writes the address into the configuration', () => {
  const { driver } = startCard({ via: 'legacy', features: 0n });
  driver.setConfig(5, 1, 99);
  expect(driver.config(5, 1)).toBe(99);
});

test('a command without room for its answer breaks a rule', () => {
  const { driver } = startCard({ features: VERSION_1 | CTRL_VQ });
  driver.ring(CONTROL).add([{ address: 0x30000, length: 3 }], []);
  driver.kick(CONTROL);
  expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
});

test('only frames that the driver wants come in', () => {
  const started = startCard({ features: VERSION_1 | CTRL_VQ | CTRL_RX });
  expect(command(started, 0, 0, 0)).toBe(0);
  const stranger = frame(60);
  stranger[5] = 77;
  arrive(started, stranger);
  arrive(started, frame(60));
  expect(started.rig.device.serialize().fields.waiting).toHaveLength(1);
  expect(counts(started).in).toBe(0);
});

test('a link that goes down is a change of configuration', () => {
  const started = startCard({ features: VERSION_1 | STATUS });
  const before = started.driver.commonRead(0x15, 1);
  started.cable.port?.setLink(false);
  started.cable.port?.setLink(false);
  expect(started.rig.messages()).toEqual([0]);
  expect([started.driver.config(6, 2), started.driver.commonRead(0x15, 1)]).toEqual([0, before + 1]);
  started.rig.device.reset();
  expect(started.rig.device.serialize().fields.linkUp).toBe(false);
});

test('a guest on a live link is to announce itself after a restore, until it has', () => {
  const started = startCard({ features: VERSION_1 | STATUS | CTRL_VQ | ANNOUNCE, live: true });
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
  const started = startCard({ features: VERSION_1 | STATUS | CTRL_VQ | ANNOUNCE });
  started.rig.device.rejoined();
  expect(started.rig.messages()).toEqual([]);
});

test('a state with another MTU, or with too much waiting, is refused', () => {
  const saved = startCard({ mtu: 1400 }).rig.device.serialize();
  expect(() => startCard().rig.device.deserialize(saved)).toThrow('virtio.mtu: saved with 1400, here it is 0');
  const one = { pair: 0, header: COMPLETE, bytes: new Uint8Array(65_000) };
  const { rig } = startCard();
  const full = rig.device.serialize();
  const waiting = Array.from({ length: 5 }, () => one);
  expect(() => rig.device.deserialize({ ...full, fields: { ...full.fields, waiting } })).toThrow(
    'virtio.waiting: expected at most 262144 bytes, got 325000',
  );
});

test('closing lets go of the back end, and an MTU that no card has is refused', () => {
  const { rig, cable } = startCard();
  rig.device.close();
  expect(cable.isClosed).toBe(true);
  expect(() => virtioNet({ ...CARD, backend: cable, mtu: 67 })).toThrow('mtu: expected 68 to 65535, got 67');
});
