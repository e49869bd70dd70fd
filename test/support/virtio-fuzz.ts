// SPDX-License-Identifier: BSD-2-Clause
/**
 * A hostile driver: random accesses to every register, rings that are sometimes sound and mostly not, resets and saves in
 * the middle. Every step is a few numbers, so a run can be made from a seed or by fast-check.
 */

import type { Interfaces } from '../../devices/virtio/features.js';
import { VirtioNinep } from '../../devices/virtio/ninep.js';
import type { VirtioModel } from '../../devices/virtio/virtio-kind.js';
import { VirtioVsock } from '../../devices/virtio/vsock.js';
import { MemoryDisk } from './memory-disk.js';
import { TurnCount } from './turn-count.js';
import { MODERN_BASE } from './virtio-driver.js';
import { flood } from './virtio-fuzz-flood.js';
import { fuzzHost } from './virtio-fuzz-host.js';
import { driverOk, negotiate, placeQueue } from './virtio-fuzz-rings.js';
import { busyQueues, type FuzzTarget, featuresFor, interfacesFor, kindFor } from './virtio-fuzz-targets.js';
import { MEMORY_END, VirtioRig } from './virtio-rig.js';
import { INDIRECT, NEXT, WRITE } from './virtio-rings.js';

/** What, where, how, with what: 16 bits each but the last, which has 32. */
export type FuzzStep = readonly [what: number, where: number, how: number, value: number];

const LEGACY = 0x2000;
const MSIX = 0xc0000000;
/** Rings lie close together, so that random stores hit them. */
const DESCRIPTORS = 0x1000;
const DRIVER = 0x1400;
const DEVICE = 0x1600;
const BUFFERS = 0x2000;
const RING_SIZE = 8;
const PLACE = { size: RING_SIZE, descriptors: DESCRIPTORS, driver: DRIVER, device: DEVICE };
const DISK_SIZE = 64 * 1024;
const MOST_AT_ONCE = 32;
/** A turn ends after the buffer that comes to 4096, and none of the buffers has more than 256. */
const MOST_DESCRIPTORS_IN_A_TURN = 4096 + 255;
const PACKED = 1n << 34n;
const WIDTHS = [1, 2, 4] as const;
const ADDRESSES = [0, BUFFERS, MEMORY_END - 4, MEMORY_END, 0xfee00000, 0xfffffffffff0, 2 ** 52 - 16];
const LENGTHS = [0, 1, 16, 17, 512, 513, 0x1000, 0x40000, 0x7fffffff, 0xffffffff];
/** Version, attach, walk, lopen, getattr, readdir, clunk and more of the short messages. */
const NINEP_TYPES = [100, 104, 110, 12, 24, 40, 120, 122, 22, 8, 116, 108, 50, 99];
const TYPES = [0, 1, 4, 8, 11, 13, 99];
type Action =
  | 'legacy'
  | 'common'
  | 'wide'
  | 'config'
  | 'msix'
  | 'poke'
  | 'offer'
  | 'kick'
  | 'time'
  | 'host'
  | 'start'
  | 'save'
  | 'reset'
  | 'queue'
  | 'flood';

/** How often each is done: what breaks a device is rare, so that it gets far in between. */
const SHARES: Readonly<Record<Action, number>> = {
  legacy: 2,
  common: 3,
  wide: 1,
  config: 2,
  msix: 3,
  poke: 2,
  offer: 50,
  kick: 6,
  time: 12,
  host: 8,
  start: 8,
  save: 1,
  reset: 1,
  queue: 1,
  flood: 1,
};
const ACTIONS = Object.entries(SHARES).flatMap(
  ([action, share]) => Array.from({ length: share }, () => action as Action), // the keys of the very table
);

export class VirtioFuzz {
  readonly rig: VirtioRig<VirtioModel>;
  private readonly disk: MemoryDisk | null;
  private readonly busy: readonly number[];
  readonly turns: TurnCount;
  /** How many buffers the driver has offered, in either format. */
  private offered = 0;

  constructor(
    private readonly target: FuzzTarget,
    interfaces: Interfaces,
    meter?: () => number,
  ) {
    this.disk = target.endsWith('disk') ? new MemoryDisk(new Uint8Array(DISK_SIZE), { late: target !== 'disk' }) : null;
    this.busy = busyQueues(target);
    this.rig = new VirtioRig(kindFor(target, this.disk), interfacesFor(target, interfaces), true);
    this.turns = new TurnCount(this.rig.device.core, meter);
    this.placeBars();
  }

  step([what, where, how, value]: FuzzStep): void {
    const asked = this.disk?.asked.length ?? 0;
    this.turns.begin();
    this.perform(ACTIONS[what % ACTIONS.length] ?? 'kick', where, how, value);
    const more = (this.disk?.asked.length ?? 0) - asked;
    if (more > MOST_AT_ONCE * 16) throw new Error(`one step asked the disk ${more} times`);
    if (this.turns.most > MOST_DESCRIPTORS_IN_A_TURN) throw new Error(`${this.turns.most} descriptors in one turn`);
    if ((this.disk?.waiting.length ?? 0) > 2 * 128) throw new Error('more requests in flight than queues are long');
    this.rig.rig.effects.length = 0;
    if (this.disk !== null && this.disk.asked.length > 1000) this.disk.asked.length = 0;
  }

  /** Saves the device and loads it again. */
  saveAndLoad(): void {
    const { device } = this.rig;
    device.pause();
    device.deserialize(device.serialize());
    device.resume();
  }

  private perform(action: Action, where: number, how: number, value: number): void {
    const { ports, mmio, memory, device, rig } = this.rig;
    const width = WIDTHS[how % 3] ?? 1;
    switch (action) {
      case 'legacy':
        ports.write(LEGACY + (where % 128), width, value);
        ports.read(LEGACY + (how % 128), width);
        break;
      case 'common':
        mmio.write(MODERN_BASE + (where % 0x40), width, value);
        mmio.read(MODERN_BASE + (how % 0x4000), width);
        break;
      case 'wide':
        mmio.write64(MODERN_BASE + (where % 0x3010), BigInt(value) << BigInt(how % 33));
        break;
      case 'config':
        device.writeConfig(where % 256, width, value);
        device.readConfig(how % 256, width);
        break;
      case 'msix':
        mmio.write(MSIX + (where % 0x1000), width, value);
        mmio.read(MSIX + (how % 0x1000), width);
        break;
      case 'poke':
        memory.writeU16(DESCRIPTORS + 2 * (where % 0x400), how & 1 ? value & 0xffff : value & 0xf);
        break;
      case 'offer':
        this.offer(where, how, value);
        for (const queue of this.busy) this.kick(queue);
        break;
      case 'kick':
        this.kick(where % 5);
        break;
      case 'time':
        rig.clock.advance(BigInt(value % 300_000));
        break;
      case 'host':
        this.host(where, value, how);
        break;
      case 'start':
        this.placeBars();
        this.start(where, how);
        break;
      case 'save':
        this.saveAndLoad();
        break;
      case 'reset':
        device.reset();
        break;
      case 'queue':
        this.resetQueue(where);
        break;
      case 'flood':
        this.placeBars();
        this.kick(flood(this.rig, this.knownFeatures(where), [where, how, value]));
        break;
    }
  }

  private host(where: number, value: number, how: number): void {
    if (this.disk !== null && this.disk.waiting.length > 0) this.disk.finish(where % this.disk.waiting.length);
    fuzzHost(this.rig.device.model, [where, how, value]);
  }

  private placeBars(): void {
    const { device } = this.rig;
    device.writeConfig(0x10, 4, LEGACY);
    device.writeConfig(0x14, 4, MSIX);
    device.writeConfig(0x20, 4, MODERN_BASE % 2 ** 32);
    device.writeConfig(0x24, 4, MODERN_BASE / 2 ** 32);
    device.writeConfig(0x04, 2, 0x0007);
  }

  /** Starts the device properly, in one of many ways, with rings where the rest of this finds them. */
  private start(where: number, how: number): void {
    const { ports, memory } = this.rig;
    const features = this.knownFeatures(where);
    this.offered = 0;
    memory.fill(DESCRIPTORS, 0x1000, 0);
    if (how % 4 === 0) {
      ports.write(LEGACY + 18, 1, 0);
      ports.write(LEGACY + 18, 1, 3);
      ports.write(LEGACY + 4, 4, Number(features & 0xffff_ffffn));
      ports.write(LEGACY + 8, 4, 1);
      ports.write(LEGACY + 18, 1, 7);
      return;
    }
    negotiate(this.rig, features);
    for (const queue of [0, 1, 2, 3, 4]) placeQueue(this.rig, queue, PLACE);
    driverOk(this.rig);
  }

  private knownFeatures(where: number): bigint {
    const known = featuresFor(this.target);
    return known[where % known.length] ?? 0n;
  }

  private resetQueue(where: number): void {
    this.rig.mmio.write(MODERN_BASE + 0x16, 2, where % 3);
    this.rig.mmio.write(MODERN_BASE + 0x3a, 2, 1);
    if (where & 4) placeQueue(this.rig, where % 3, PLACE);
  }

  private writeRequest([where, how, value]: readonly [number, number, number], isWild: boolean): void {
    const { memory, device } = this.rig;
    memory.writeU32(BUFFERS, TYPES[how % TYPES.length] ?? 0);
    memory.writeU32(BUFFERS + 4, 0x10000 | (how % 8)); // to a console: a control message
    if (device.model instanceof VirtioNinep) memory.writeU8(BUFFERS + 4, NINEP_TYPES[where % NINEP_TYPES.length] ?? 0);
    memory.writeU64(BUFFERS + 8, isWild ? BigInt(value) << 30n : BigInt(value % 128));
    memory.writeU64(BUFFERS + 16, BigInt(value % 100));
    memory.writeU64(BUFFERS + 24, 1n);
  }

  /** To a socket device, right in most things. */
  private writePacket(where: number, how: number, value: number): void {
    const { memory } = this.rig;
    memory.writeU64(BUFFERS, (how & 0xf000) === 0 ? BigInt(value) : 3n);
    memory.writeU64(BUFFERS + 8, (how & 0x0f00) === 0 ? BigInt(value) : 2n);
    const words = [where % 2, how % 2, where % 300, (((how >> 4) % 10) << 16) | (where & 0x700 ? 1 : 2), value % 5];
    const credit = [value & 1 ? value : 0x10000, value & 2 ? value : 0];
    for (const [index, word] of [...words, ...credit].entries()) memory.writeU32(BUFFERS + 16 + 4 * index, word);
  }

  /** A request of two descriptors, sound in most ways most of the time, and an index that says so. */
  private offer(where: number, how: number, value: number): void {
    const { memory, device } = this.rig;
    const isWild = (how & 0x00f0) === 0;
    if (device.model instanceof VirtioVsock) this.writePacket(where, how, value);
    else this.writeRequest([where, how, value], isWild);
    const address = isWild ? (ADDRESSES[where % ADDRESSES.length] ?? 0) : BUFFERS + 0x100;
    const length = isWild ? (LENGTHS[value % LENGTHS.length] ?? 0) : 513;
    const isPacked = (device.core.features & PACKED) !== 0n;
    const places = isPacked ? 2 : 1;
    const at = this.offered % (2 * RING_SIZE);
    const head = (places * at) % RING_SIZE;
    const second = (head + 1) % RING_SIZE;
    const lap = isPacked ? (Math.floor((places * this.offered) / RING_SIZE) % 2 === 0 ? 0x0080 : 0x8000) : 0;
    const kind = isWild && how & 0x4000 ? INDIRECT : WRITE;
    this.describe(second, address, length, kind | lap | (isWild && how & 0x8000 ? NEXT : 0), head);
    const isPacket = device.model instanceof VirtioVsock;
    const readable = isPacket ? 44 + (where % 300) : (how & 0x0300) === 0 ? 32 : 16;
    this.describe(head, BUFFERS, readable, NEXT | lap, second);
    memory.writeU16(DRIVER + 4 + 2 * (this.offered % RING_SIZE), head);
    this.offered += 1;
    if (!isPacked) memory.writeU16(DRIVER + 2, this.offered & 0xffff);
  }

  private describe(index: number, address: number, length: number, flags: number, next: number): void {
    const { memory } = this.rig;
    memory.writeU64(DESCRIPTORS + 16 * index, BigInt(address));
    memory.writeU32(DESCRIPTORS + 16 * index + 8, length);
    if (flags & 0x8080) {
      memory.writeU16(DESCRIPTORS + 16 * index + 12, index);
      memory.writeU16(DESCRIPTORS + 16 * index + 14, flags);
    } else {
      memory.writeU16(DESCRIPTORS + 16 * index + 12, flags);
      memory.writeU16(DESCRIPTORS + 16 * index + 14, next);
    }
  }

  private kick(queue: number): void {
    this.rig.mmio.write(MODERN_BASE + 0x3000 + 4 * queue, 2, queue);
    this.rig.ports.write(LEGACY + 16, 2, queue);
  }
}
