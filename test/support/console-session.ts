// SPDX-License-Identifier: BSD-2-Clause
/** The driver of a virtio console, with what comes out at the host's ends of its ports. */
import { type ConsoleOptions, type VirtioConsole, virtioConsole } from '../../devices/virtio/console.js';
import type { Interfaces } from '../../devices/virtio/features.js';
import type { ByteSink } from '../../src/core/input.js';
import { bitsOf, RING_PACKED, VERSION_1, VirtioDriver } from './virtio-driver.js';
import { VirtioRig } from './virtio-rig.js';

export const [SIZE, MULTIPORT, EMERG_WRITE] = [bitsOf(0), bitsOf(1), bitsOf(2)];
export const [DEVICE_READY, DEVICE_ADD, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME] = [0, 1, 3, 4, 5, 6, 7];

/** A driver with the outputs of all ports. */
export class ConsoleSession {
  readonly outputs: number[][];
  readonly driver: VirtioDriver<VirtioConsole>;
  /** Of the named ports' readers, together; they take everything if there is none. */
  room: number | undefined;
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
      named: names.map((name, index) => ({ name, output: this.pacedSink(index + 1) })),
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

  private pacedSink(port: number): ByteSink {
    const room = (): number | undefined => this.room;
    const write = (byte: number): void => {
      this.outputs[port]?.push(byte);
      if (this.room !== undefined) this.room -= 1;
    };
    return {
      get room() {
        return room();
      },
      write,
    };
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
  restored(): ConsoleSession {
    const copy = new ConsoleSession(this.names, this.driver.features);
    const { memory, device } = this.driver.rig;
    copy.start();
    copy.driver.rig.memory.write(0, memory.read(0, 0x80000));
    copy.driver.rig.device.deserialize(device.serialize());
    return copy;
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
