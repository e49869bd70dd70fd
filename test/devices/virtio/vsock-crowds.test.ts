// SPDX-License-Identifier: BSD-2-Clause
/** More calls, refusals and messages than somebody hears. */
import {
  bytes,
  calledGuest,
  GUEST_PORT,
  HOST_PORT,
  type MemoryGuest,
  MemorySockets,
  PORTS,
  REQUEST,
  RESPONSE,
  RST,
  RW,
  startedGuest,
  VsockGuest,
} from '../../support/vsock-guest.js';

test('a host that calls a guest without a driver is refused, and so is a call too many', () => {
  const guest = startedGuest();
  for (let host = 0; host < 257; host += 1) guest.backend.say({ op: 'request', host, guest: GUEST_PORT });
  guest.backend.say({ op: 'request', host: 0, guest: GUEST_PORT });
  expect(guest.backend.heard).toEqual([
    { op: 'reset', host: 256, guest: GUEST_PORT },
    { op: 'reset', host: 0, guest: GUEST_PORT },
  ]);
  guest.send({ op: REQUEST, src: 1, dst: 1 });
  expect(guest.offer(1).received()).toEqual([expect.objectContaining({ op: RST, src: 1, dst: 1 })]);
});

test('a guest that does not hear its refusals is not listened to', () => {
  const guest = startedGuest();
  for (let src = 0; src < 100; src += 1) guest.send({ op: RW, src, dst: HOST_PORT });
  expect(guest.driver.ring(1).used()).toHaveLength(64);
  expect(guest.offer(10).received()).toHaveLength(10);
  expect(guest.driver.ring(1).used()).toHaveLength(10);
  expect(guest.offer(100).received()).toHaveLength(90);
  expect(guest.driver.ring(1).used()).toHaveLength(26);
});

describe('a host that is told more than it hears', () => {
  const crowded = (guest: MemoryGuest): MemoryGuest => {
    guest.backend.isCrowded = true;
    return guest;
  };
  const uncrowd = ({ backend, rig }: MemoryGuest): void => {
    backend.isCrowded = false;
    backend.port?.roomAgain();
    rig.rig.clock.advance(100_000n);
  };

  test('is told no more until it says so', () => {
    const guest = crowded(startedGuest());
    for (let src = 0; src < 3; src += 1) guest.send({ op: REQUEST, src, dst: HOST_PORT });
    guest.rig.rig.clock.advance(100_000n);
    expect([guest.backend.heard, guest.driver.ring(1).used()]).toEqual([[], []]);
    uncrowd(guest);
    expect(guest.backend.heard.map((message) => message.guest)).toEqual([0, 1, 2]);
    expect(guest.driver.ring(1).used()).toHaveLength(3);
  });

  test('does not hear how its bytes are taken, one by one', () => {
    const guest = crowded(calledGuest());
    guest.backend.say({ op: 'data', ...PORTS, bytes: bytes('abc') });
    expect(guest.received()).toEqual([]);
    uncrowd(guest);
    expect(guest.received().map(({ op }) => op)).toEqual([RW]);
  });

  test('may be another one after a restore, which hears the rest', () => {
    const guest = crowded(new VsockGuest(new MemorySockets(true)));
    guest.send({ op: REQUEST, src: GUEST_PORT, dst: HOST_PORT });
    guest.backend.isCrowded = false;
    guest.rig.device.deserialize(guest.rig.device.serialize());
    guest.rig.device.rejoined();
    guest.rig.rig.clock.advance(100_000n);
    expect(guest.backend.heard).toEqual([{ op: 'request', ...PORTS }]);
  });
});

test('connections have their turns', () => {
  const guest = startedGuest().offer(2);
  for (const host of [1, 2]) guest.backend.say({ op: 'request', host, guest: GUEST_PORT });
  guest.received();
  for (const host of [1, 2]) guest.send({ op: RESPONSE, src: GUEST_PORT, dst: host });
  for (const host of [1, 2]) guest.backend.say({ op: 'data', host, guest: GUEST_PORT, bytes: new Uint8Array(1000) });
  expect(
    guest
      .offer(4)
      .received()
      .map(({ src }) => src),
  ).toEqual([1, 2, 1, 2]);
});
