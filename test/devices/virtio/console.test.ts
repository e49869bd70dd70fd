// SPDX-License-Identifier: BSD-2-Clause

import { type ConsoleOptions, type VirtioConsole, virtioConsole } from '../../../devices/virtio/console.js';
import type { Interfaces } from '../../../devices/virtio/features.js';
import { deviceContract } from '../../contract/device.contract.js';
import {
  ACKNOWLEDGE,
  bitsOf,
  DRIVER,
  NEEDS_RESET,
  RING_PACKED,
  RING_RESET,
  VERSION_1,
  VirtioDriver,
} from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';

const [SIZE, MULTIPORT, EMERG_WRITE] = [bitsOf(0), bitsOf(1), bitsOf(2)];
const [DEVICE_READY, DEVICE_ADD, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME] = [0, 1, 3, 4, 5, 6, 7];
const TYPED_MAX = 65_536;

/** A driver with the outputs of all ports. */
class Session {
  readonly outputs: number[][];
  readonly driver: VirtioDriver<VirtioConsole>;
  private readonly buffers = new Map<number, { address: number; length: number }[]>();

  constructor(
    readonly names: readonly string[] = [],
    features = VERSION_1,
    { interfaces = 'transitional' as Interfaces, hasConsole = true } = {},
  ) {
    this.outputs = ['', ...names].map(() => []);
    const sink = (port: number) => ({ write: (byte: number) => void this.outputs[port]?.push(byte) });
    const options: ConsoleOptions = {
      console: hasConsole ? sink(0) : null,
      named: names.map((name, index) => ({ name, output: sink(index + 1) })),
    };
    const rig = new VirtioRig(virtioConsole(options), interfaces, (features & RING_PACKED) !== 0n);
    this.driver = new VirtioDriver(rig, { features, via: interfaces === 'legacy' ? 'legacy' : 'modern' });
  }

  get model(): VirtioConsole {
    return this.driver.rig.device.model;
  }

  start(): this {
    this.driver.start();
    return this;
  }

  output(port = 0): string {
    return Buffer.from(this.outputs[port] ?? []).toString();
  }

  /** The guest writes. */
  send(queue: number, bytes: Uint8Array): void {
    const address = this.driver.allocate(bytes.length);
    this.driver.rig.memory.write(address, bytes);
    this.driver.ring(queue).add([{ address, length: bytes.length }], []);
    this.driver.kick(queue);
  }

  /** The guest gives buffers to be filled. */
  offer(queue: number, count: number, length: number): void {
    const list = this.buffers.get(queue) ?? [];
    this.buffers.set(queue, list);
    for (let added = 0; added < count; added += 1) {
      const address = this.driver.allocate(length);
      this.driver.ring(queue).add([], [{ address, length }]);
      list.push({ address, length });
    }
    this.driver.kick(queue);
  }

  /** What the guest finds in its buffers, which are used in the order in which they were given. */
  received(queue: number): Buffer[] {
    const used = this.driver.ring(queue).used();
    return used.map(({ length }) => {
      const buffer = this.buffers.get(queue)?.shift();
      return Buffer.from(this.driver.rig.memory.read(buffer?.address ?? 0, length));
    });
  }

  text(queue: number): string {
    return Buffer.concat(this.received(queue)).toString();
  }

  control(port: number, event: number, value: number): void {
    const message = Buffer.alloc(8);
    message.writeUInt32LE(port, 0);
    message.writeUInt16LE(event, 4);
    message.writeUInt16LE(value, 6);
    this.send(3, message);
  }

  heard(): (number | string)[][] {
    return this.received(2).map((message) => {
      const [port, event, value] = [message.readUInt32LE(0), message.readUInt16LE(4), message.readUInt16LE(6)];
      if (event === PORT_NAME) return [port, event, value, message.toString('utf8', 8)];
      if (event === RESIZE) return [port, event, value, message.readUInt16LE(8), message.readUInt16LE(10)];
      return [port, event, value];
    });
  }

  /** The same driver on a device that is restored from this one. */
  restored(): Session {
    const copy = new Session(this.names, this.driver.features);
    const { memory, device } = this.driver.rig;
    copy.start();
    copy.driver.rig.memory.write(0, memory.read(0, 0x80000));
    copy.driver.rig.device.deserialize(device.serialize());
    return copy;
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const named = (...names: string[]): Session => new Session(names, VERSION_1 | SIZE | MULTIPORT).start();
function opened(...names: string[]): Session {
  const session = named(...names);
  session.offer(2, 16, 64);
  session.control(0, DEVICE_READY, 1);
  for (const port of [0, ...names.map((_, index) => index + 1)]) session.control(port, PORT_READY, 1);
  session.heard();
  return session;
}

describe('the console port', () => {
  test.each<[string, Interfaces, bigint]>([
    ['modern', 'modern', VERSION_1],
    ['packed', 'modern', VERSION_1 | RING_PACKED],
    ['legacy', 'legacy', 0n],
  ])('carries bytes both ways (%s)', (_, interfaces, features) => {
    const session = new Session([], features, { interfaces }).start();
    session.send(1, bytes('hello'));
    expect(session.output()).toBe('hello');
    session.offer(0, 2, 4);
    expect(session.model.type(0, bytes('typed'))).toBe(5);
    expect(session.text(0)).toBe('typed');
    expect(session.driver.rig.messages()).toEqual([2, 1]);
  });

  test('input waits for buffers', () => {
    const session = new Session().start();
    session.model.type(0, bytes('abc'));
    session.offer(0, 1, 2);
    expect(session.text(0)).toBe('ab');
    session.offer(0, 1, 2);
    expect(session.text(0)).toBe('c');
  });

  test('input waits for a driver, and for the next one', () => {
    const session = new Session();
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
    const { model, driver } = new Session();
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
    const session = new Session().start();
    session.offer(0, 64, 1);
    session.model.type(0, new Uint8Array(50).fill(7));
    expect(session.received(0)).toHaveLength(32);
    session.driver.rig.rig.clock.advance(1000n);
    expect(session.received(0)).toHaveLength(18);
  });

  test('a long buffer is written a part at a time, also over a save', () => {
    const session = new Session().start();
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
    const session = new Session([], VERSION_1 | RING_RESET).start();
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
    const session = new Session([], VERSION_1 | SIZE).start();
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
    const session = new Session().start();
    session.model.resize(132, 50);
    expect(session.driver.rig.messages()).toEqual([]);
  });

  test('an emergency write needs no driver', () => {
    const session = new Session();
    expect(session.driver.offered & (SIZE | MULTIPORT | EMERG_WRITE)).toBe(SIZE | EMERG_WRITE);
    session.driver.setConfig(8, 4, 0x21);
    expect(session.output()).toBe('!');
  });
});

describe('named ports', () => {
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
    const session = new Session(['agent'], VERSION_1 | MULTIPORT, { hasConsole: false }).start();
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
    const session = new Session(['agent']).start();
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
