// SPDX-License-Identifier: BSD-2-Clause
import { virtioConsole } from '../../../devices/virtio/console.js';
import type { Interfaces } from '../../../devices/virtio/features.js';
import { deviceContract } from '../../contract/device.contract.js';
import { bytes, ConsoleSession, EMERG_WRITE, MULTIPORT, SIZE } from '../../support/console-session.js';
import { RING_PACKED, RING_RESET, VERSION_1, VirtioDriver } from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';

const TYPED_MAX = 65_536;

test.each<[string, Interfaces, bigint]>([
  ['modern', 'modern', VERSION_1],
  ['packed', 'modern', VERSION_1 | RING_PACKED],
  ['legacy', 'legacy', 0n],
])('carries bytes both ways (%s)', (_, interfaces, features) => {
  const session = new ConsoleSession([], features, { interfaces }).start();
  session.send(1, bytes('hello'));
  expect(session.output()).toBe('hello');
  session.offer(0, 2, 4);
  expect(session.model.type(0, bytes('typed'))).toBe(5);
  expect(session.text(0)).toBe('typed');
  expect(session.driver.rig.messages()).toEqual([2, 1]);
});

test('input waits for buffers', () => {
  const session = new ConsoleSession().start();
  session.model.type(0, bytes('abc'));
  session.offer(0, 1, 2);
  expect(session.text(0)).toBe('ab');
  session.offer(0, 1, 2);
  expect(session.text(0)).toBe('c');
});

test('input waits for a driver, and for the next one', () => {
  const session = new ConsoleSession();
  session.model.type(0, bytes('abc'));
  session.start();
  session.offer(0, 1, 1);
  expect(session.text(0)).toBe('a');
  session.driver.rig.device.reset();
  const { driver } = session;
  const again = new VirtioDriver(driver.rig).start();
  const address = again.allocate(8);
  again.ring(0).add([], [{ address, length: 8 }]);
  again.kick(0);
  expect(Buffer.from(driver.rig.memory.read(address, 2)).toString()).toBe('bc');
});

test('input is bounded; the last bytes before a save have room', () => {
  const { model, driver } = new ConsoleSession();
  expect(model.type(0, new Uint8Array(TYPED_MAX - 1))).toBe(TYPED_MAX - 1);
  expect(model.type(0, bytes('ab'))).toBe(1);
  expect(model.type(0, bytes('b'))).toBe(0);
  model.typeAll(0, bytes('b'));
  expect(() => model.typeAll(0, new Uint8Array(8 * TYPED_MAX))).toThrow(
    'virtio port 0: typed 524288 bytes: expected at most 458751',
  );
  const { ports } = driver.rig.device.serialize().fields as { ports: { pending: Uint8Array }[] };
  expect(ports[0]?.pending.length).toBe(TYPED_MAX + 1);
});

test('much input in small buffers is delivered a part at a time', () => {
  const session = new ConsoleSession().start();
  session.offer(0, 64, 1);
  session.model.type(0, new Uint8Array(50).fill(7));
  expect(session.received(0)).toHaveLength(32);
  session.driver.rig.rig.clock.advance(1000n);
  expect(session.received(0)).toHaveLength(18);
});

test('a long buffer is written a part at a time, also over a save', () => {
  const session = new ConsoleSession().start();
  const { memory, rig } = session.driver.rig;
  const text = Uint8Array.from({ length: 0x18000 }, (_, index) => index % 251);
  memory.write(0x60000 - 0x10000, text);
  session.driver.ring(1).add(
    [
      { address: 0x50000, length: 0x17fff },
      { address: 0x67fff, length: 1 },
    ],
    [],
  );
  session.driver.kick(1);
  expect(session.outputs[0]).toHaveLength(0x10000);
  expect(session.driver.ring(1).used()).toEqual([]);
  const copy = session.restored();
  copy.driver.rig.rig.clock.advance(rig.clock.now() + 1000n);
  expect(session.outputs[0]?.concat(copy.outputs[0] ?? [])).toEqual([...text]);
  expect(copy.driver.ring(1).used()).toHaveLength(1);
});

test('a queue that is reset forgets the buffer it was writing', () => {
  const session = new ConsoleSession([], VERSION_1 | RING_RESET).start();
  session.driver.ring(1).add([{ address: 0x40000, length: 0x20000 }], []);
  session.driver.kick(1);
  session.driver.common(0x16, 2, 1);
  session.driver.common(0x3a, 2, 1);
  session.driver.rig.rig.clock.advance(2000n);
  expect(session.outputs[0]).toHaveLength(0x10000);
  const { ports } = session.driver.rig.device.serialize().fields as { ports: { sending: unknown }[] };
  expect(ports[0]?.sending).toBeNull();
});

test('its size is in the configuration, and a change of it is told once', () => {
  const session = new ConsoleSession([], VERSION_1 | SIZE).start();
  const size = () => [session.driver.config(0, 2), session.driver.config(2, 2)];
  expect(size()).toEqual([80, 25]);
  session.model.resize(132, 50);
  session.model.resize(132, 50);
  expect(size()).toEqual([132, 50]);
  expect(session.driver.commonRead(0x15, 1)).toBe(1);
  expect(session.driver.rig.messages()).toEqual([0]);
  session.driver.rig.device.reset();
  expect(session.driver.rig.device.serialize().fields).toMatchObject({ columns: 132, rows: 50 });
});

test('a driver that did not ask for the size is not told', () => {
  const session = new ConsoleSession().start();
  session.model.resize(132, 50);
  expect(session.driver.rig.messages()).toEqual([]);
});

test('an emergency write needs no driver', () => {
  const session = new ConsoleSession();
  expect(session.driver.offered & (SIZE | MULTIPORT | EMERG_WRITE)).toBe(SIZE | EMERG_WRITE);
  session.driver.setConfig(8, 4, 0x21);
  expect(session.output()).toBe('!');
});

const sink = { write: () => {} };
const kind = () => virtioConsole({ console: sink, named: [{ name: 'agent', output: sink }] });
deviceContract('virtio-console', (rig) => new VirtioRig(kind(), 'transitional', false, rig).device, {
  operate: (device) => {
    device.writeConfig(4, 2, 7);
    device.model.type(1, bytes('abc'));
    device.model.setOpen(1, true);
    device.model.resize(10, 5);
  },
});
