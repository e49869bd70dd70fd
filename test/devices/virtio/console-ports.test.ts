// SPDX-License-Identifier: BSD-2-Clause
/** Named ports of a virtio console, and what device and driver say to each other about them. */
import { virtioConsole } from '../../../devices/virtio/console.js';
import {
  bytes,
  CONSOLE_PORT,
  ConsoleSession,
  DEVICE_ADD,
  DEVICE_READY,
  MULTIPORT,
  PORT_NAME,
  PORT_OPEN,
  PORT_READY,
  RESIZE,
  SIZE,
} from '../../support/console-session.js';
import { ACKNOWLEDGE, DRIVER, NEEDS_RESET, VERSION_1 } from '../../support/virtio-driver.js';

const named = (...names: string[]): ConsoleSession => new ConsoleSession(names, VERSION_1 | SIZE | MULTIPORT).start();
function opened(...names: string[]): ConsoleSession {
  const session = named(...names);
  session.offer(2, 16, 64);
  session.control(0, DEVICE_READY, 1);
  for (const port of [0, ...names.map((_, index) => index + 1)]) session.control(port, PORT_READY, 1);
  session.heard();
  return session;
}

test('there are queues for each, and the driver is told of them', () => {
  const session = named('agent', 'log');
  expect(session.driver.rings).toHaveLength(8);
  expect(session.driver.config(4, 4)).toBe(3);
  session.offer(2, 16, 64);
  session.control(0, DEVICE_READY, 1);
  expect(session.heard()).toEqual([
    [0, DEVICE_ADD, 0],
    [1, DEVICE_ADD, 0],
    [2, DEVICE_ADD, 0],
  ]);
  session.control(0, PORT_READY, 1);
  expect(session.heard()).toEqual([
    [0, CONSOLE_PORT, 1],
    [0, PORT_OPEN, 1],
    [0, RESIZE, 0, 80, 25],
  ]);
  session.control(2, PORT_READY, 1);
  expect(session.heard()).toEqual([
    [2, PORT_NAME, 1, 'log'],
    [2, PORT_OPEN, 0],
  ]);
});

test('without a console port 0 is not there', () => {
  const session = new ConsoleSession(['agent'], VERSION_1 | MULTIPORT, { hasConsole: false }).start();
  session.offer(2, 16, 64);
  session.control(0, DEVICE_READY, 1);
  session.control(0, PORT_READY, 1);
  expect(session.heard()).toEqual([[1, DEVICE_ADD, 0]]);
  session.send(1, bytes('nobody hears this'));
  session.driver.setConfig(8, 4, 0x21);
  expect(session.outputs).toEqual([[], []]);
  expect(session.driver.ring(1).used()).toHaveLength(1);
});

test('output goes to its port', () => {
  const session = opened('agent', 'log');
  session.send(1, bytes('console'));
  session.send(5, bytes('agent'));
  session.send(7, bytes('log'));
  expect([0, 1, 2].map((port) => session.output(port))).toEqual(['console', 'agent', 'log']);
});

describe('a port whose reader is slow', () => {
  const slow = (): ConsoleSession => {
    const session = opened('agent', 'log');
    session.room = 3;
    session.send(5, bytes('abcdef'));
    session.send(5, bytes('ghi'));
    session.driver.rig.rig.clock.advance(1_000_000n);
    return session;
  };
  const readOn = ({ driver: { rig } }: ConsoleSession): void => rig.rig.clock.advance(1000n);

  test('keeps the guest’s buffers until there is room, and others go on', () => {
    const session = slow();
    expect([session.output(1), session.driver.ring(5).used()]).toEqual(['abc', []]);
    session.send(1, bytes('console'));
    expect([session.output(0), session.output(1)]).toEqual(['console', 'abc']);
    session.room = 4;
    session.model.roomAgain(1);
    readOn(session);
    expect([session.output(1), session.driver.ring(5).used().length]).toEqual(['abcdefg', 1]);
    session.room = 100;
    session.model.roomAgain(1);
    readOn(session);
    expect([session.output(1), session.driver.ring(5).used().length]).toEqual(['abcdefghi', 1]);
  });

  test('may have another one after a restore, which gets the rest', () => {
    const copy = slow().restored();
    copy.room = 100;
    copy.driver.rig.device.rejoined();
    readOn(copy);
    expect(copy.output(1)).toBe('defghi');
  });

  test('is not looked at for room if its reader takes everything', () => {
    const session = slow();
    session.room = undefined;
    const { device } = session.driver.rig;
    const before = device.serialize();
    session.model.roomAgain(1);
    expect(device.serialize()).toEqual(before);
  });
});

test('input waits until a program of the guest has the port open', () => {
  const session = opened('agent');
  session.offer(4, 4, 64);
  session.model.type(1, bytes('question'));
  expect(session.text(4)).toBe('');
  session.control(1, PORT_OPEN, 1);
  expect(session.text(4)).toBe('question');
  session.control(1, PORT_OPEN, 0);
  session.model.type(1, bytes('late'));
  expect(session.text(4)).toBe('');
});

test('input of the console waits until the driver knows that it is one', () => {
  const session = named('agent');
  session.offer(0, 2, 64);
  session.model.type(0, bytes('early'));
  expect(session.text(0)).toBe('');
  session.control(0, PORT_READY, 1);
  expect(session.text(0)).toBe('');
  session.offer(2, 1, 64);
  expect(session.heard()).toEqual([[0, CONSOLE_PORT, 1]]);
  expect(session.text(0)).toBe('early');
});

test('the guest is told who is at the other end', () => {
  const session = opened('agent');
  session.model.setOpen(1, true);
  session.model.setOpen(1, true);
  expect(session.heard()).toEqual([[1, PORT_OPEN, 1]]);
  session.model.setOpen(1, false);
  expect(session.heard()).toEqual([[1, PORT_OPEN, 0]]);
});

test('a new size is told', () => {
  const session = opened('agent');
  session.model.resize(100, 40);
  expect(session.heard()).toEqual([[0, RESIZE, 0, 100, 40]]);
});

test('what the driver has no buffer for is told later, also over a save, and does not pile up', () => {
  const session = named('agent');
  for (let count = 0; count < 50; count += 1) session.control(0, DEVICE_READY, 1);
  session.driver.rig.rig.clock.advance(1000n);
  session.control(1, PORT_READY, 1);
  const copy = session.restored();
  copy.model.setOpen(1, true);
  copy.offer(2, 16, 64);
  expect(copy.heard()).toEqual([
    [0, DEVICE_ADD, 0],
    [1, DEVICE_ADD, 0],
    [1, PORT_NAME, 1, 'agent'],
    [1, PORT_OPEN, 1],
  ]);
});

test('pending input and open ports are part of the state', () => {
  const session = opened('agent');
  session.control(1, PORT_OPEN, 1);
  session.model.type(1, bytes('kept'));
  const copy = session.restored();
  copy.offer(4, 1, 64);
  expect(copy.text(4)).toBe('kept');
});

test('nonsense on the control queue is ignored', () => {
  const session = named('agent');
  session.offer(2, 8, 64);
  session.send(3, new Uint8Array(7));
  session.control(99, PORT_READY, 1);
  session.control(0xffffffff, PORT_OPEN, 1);
  session.control(1, 77, 1);
  session.control(0, DEVICE_READY, 0);
  expect(session.heard()).toEqual([]);
  expect(session.driver.status & NEEDS_RESET).toBe(0);
});

test('a driver without MULTIPORT has one port', () => {
  const session = new ConsoleSession(['agent']).start();
  session.offer(2, 4, 64);
  session.control(0, DEVICE_READY, 1);
  session.send(5, bytes('lost'));
  session.send(1, bytes('seen'));
  session.model.setOpen(1, true);
  expect(session.heard()).toEqual([]);
  expect(session.outputs.map((_, port) => session.output(port))).toEqual(['seen', '']);
});

test('a new driver starts with no port set up', () => {
  const session = opened('agent');
  session.control(1, PORT_OPEN, 1);
  session.driver.status = 0;
  session.driver.status = ACKNOWLEDGE | DRIVER;
  const { ports } = session.driver.rig.device.serialize().fields as { ports: object[] };
  expect(ports[1]).toMatchObject({ ready: false, guestOpen: false, untold: 0 });
});

test('more than 16 are refused', () => {
  const port = { name: 'x', output: { write: () => {} } };
  expect(() => virtioConsole({ console: null, named: Array.from({ length: 17 }, () => port) })).toThrow(
    'ports: expected at most 16',
  );
});
