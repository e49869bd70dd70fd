// SPDX-License-Identifier: BSD-2-Clause
import { virtioNet } from '../../../devices/virtio/net.js';
import { COMPLETE } from '../../../devices/virtio/net-header.js';
import { LoopbackCable } from '../../../src/host/net/loopback.js';
import { VERSION_1, VirtioDriver } from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';

function card(cable: LoopbackCable) {
  const rig = new VirtioRig(
    virtioNet({ backend: cable.plug(), mac: new Uint8Array(6), mtu: null, pairs: 1, place: 0 }),
  );
  return new VirtioDriver(rig, { features: VERSION_1 }).start();
}

test('what one card sends the other receives', () => {
  const cable = new LoopbackCable('a');
  const [one, other] = [card(cable), card(cable)];
  const room = { address: other.allocate(200), length: 200 };
  other.ring(0).add([], [room]);
  other.kick(0);
  const out = { address: one.allocate(72), length: 72 };
  one.rig.memory.fill(out.address + 12, 60, 0x5a);
  one.ring(1).add([out], []);
  one.kick(1);
  expect(other.ring(0).used()).toEqual([{ id: expect.any(Number), length: 72 }]);
  expect(other.rig.memory.read(room.address + 12, 60)).toEqual(new Uint8Array(60).fill(0x5a));
});

test('a cable with one end takes nothing', () => {
  const end = new LoopbackCable('a').plug();
  expect(end.send({ header: COMPLETE, bytes: new Uint8Array(60) })).toBe(false);
  expect(end.isLive).toBe(false);
});

test('a cable has two ends', () => {
  const cable = new LoopbackCable('a');
  cable.plug();
  cable.plug();
  expect(() => cable.plug()).toThrow('loopback a: two cards are joined already');
});
