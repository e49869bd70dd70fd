// SPDX-License-Identifier: BSD-2-Clause
/**
 * A guest that writes to virtio disks without end, over the legacy interface, one request at a time on each: request i puts
 * i all over a sector, and every eighth is a flush instead. So what its disks hold follows from how far it has come.
 */
import { createHash } from 'node:crypto';
import { type BuildOptions, buildMachine } from '../../src/machine/build.js';
import type { MachineConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { GuestCode, word32 } from './guest-code.js';
import { loadProofGuest } from './proof-guest-loader.js';

export const SECTORS = 128;
export const DISK_BYTES = SECTORS * 512;
const MEMORY = 2 * 1024 * 1024;
const STRIDE = 5;
const USED_SECTORS = 64;
const FLUSH_EVERY = 8;
/** PCI and legacy virtio registers. */
const [COMMAND, BAR0] = [0x04, 0x10];
const [QUEUE_ADDRESS, QUEUE_SIZE, QUEUE_SELECT, NOTIFY, STATUS] = [8, 12, 14, 16, 18];
const [ACKNOWLEDGE, DRIVER, DRIVER_OK] = [1, 2, 4];
const [OUT, FLUSH] = [1, 4];
const [NEXT, WRITABLE] = [1, 2];
const PAGE = 4096;
const RING = { base: 0x10_0000, step: 0x1_0000 } as const;

interface Places {
  readonly ring: number;
  readonly available: number;
  readonly used: number;
  readonly header: number;
  readonly flushHeader: number;
  readonly status: number;
  readonly data: number;
}

function places(index: number, size: number): Places {
  const ring = RING.base + index * RING.step;
  const available = ring + 16 * size;
  const used = Math.ceil((available + 6 + 2 * size) / PAGE) * PAGE;
  const [header, data] = [ring + 0x4000, ring + 0x5000];
  return { ring, available, used, header, flushHeader: header + 0x100, status: header + 0x200, data };
}

/** One disk in slot 3, the next in slot 4, ... */
export function diskGuestConfig(
  images: readonly string[],
  options: Record<string, string> = {},
): Partial<MachineConfig> {
  return {
    memory: MEMORY,
    clock: { kind: 'virtual', numerator: 1, denominator: 1 },
    pci: images.map((path, index) => ({ slot: 3 + index, fn: 0, kind: 'virtio-blk', options: { path, ...options } })),
  };
}

export function buildDiskGuest(images: readonly string[], host: BuildOptions = {}): Machine {
  return buildMachine(diskGuestConfig(images), host);
}

/** Drives what a driver does once, and puts the guest into memory. */
export function startDiskGuest(machine: Machine): void {
  machine.powerOn();
  const { board, engine } = machine.parts;
  const disks = board.pci.filter(({ id }) => /^pci-0:[3-9]:/.test(id));
  const ports = disks.map((fn, index) => {
    fn.writeConfig(COMMAND, 2, 0x7);
    const port = fn.readConfig(BAR0, 4) & ~3;
    board.ports.write(port + STATUS, 1, ACKNOWLEDGE | DRIVER);
    board.ports.write(port + QUEUE_SELECT, 2, 0);
    const size = board.ports.read(port + QUEUE_SIZE, 2);
    const at = places(index, size);
    board.ports.write(port + QUEUE_ADDRESS, 4, at.ring / PAGE);
    board.ports.write(port + STATUS, 1, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    describe(machine, at, size);
    return { notify: port + NOTIFY, at };
  });
  loadProofGuest(machine, guestCode(ports));
  engine.memory.writeU8(RING.base - 1, disks.length);
}

function describe(machine: Machine, at: Places, size: number): void {
  const { memory } = machine.parts.engine;
  const descriptor = (index: number, address: number, length: number, flags: number, next: number): void => {
    memory.writeU64(at.ring + 16 * index, BigInt(address));
    memory.writeU32(at.ring + 16 * index + 8, length);
    memory.writeU16(at.ring + 16 * index + 12, flags);
    memory.writeU16(at.ring + 16 * index + 14, next);
  };
  descriptor(0, at.header, 16, NEXT, 1);
  descriptor(1, at.data, 512, NEXT, 2);
  descriptor(2, at.status, 1, WRITABLE, 0);
  descriptor(3, at.flushHeader, 16, NEXT, 2);
  memory.writeU32(at.header, OUT);
  memory.writeU32(at.flushHeader, FLUSH);
  for (let index = 0; index < size; index += 1) {
    memory.writeU16(at.available + 4 + 2 * index, isFlush(index + 1) ? 3 : 0);
  }
}

interface GuestDisk {
  readonly notify: number;
  readonly at: Places;
}

function guestCode(disks: readonly GuestDisk[]): GuestCode {
  const code = new GuestCode().label('again').bytes(0x49, 0xff, 0xc4); // inc r12
  for (const { notify, at } of disks) {
    code
      .bytes(0x4c, 0x89, 0xe0, 0xbf, ...word32(at.data), 0xb9, ...word32(64), 0xf3, 0x48, 0xab) // 64 times r12
      .bytes(0x4c, 0x89, 0xe0, 0x48, 0x6b, 0xc0, STRIDE, 0x83, 0xe0, USED_SECTORS - 1) // rax = r12 * 5 & 63
      .bytes(0xbb, ...word32(at.header + 8), 0x48, 0x89, 0x03) // the sector
      .bytes(0xbb, ...word32(at.available + 2), 0x66, 0xff, 0x03) // one more is available
      .bytes(0xba, ...word32(notify), 0x31, 0xc0, 0x66, 0xef) // and the device hears of it
      .bytes(0x66, 0x8b, 0x0b, 0xbb, ...word32(at.used + 2)) // cx = available
      .bytes(0xf3, 0x90, 0x66, 0x39, 0x0b, 0x75, 0xf9); // pause until it is used
  }
  return code.jump('again');
}

function isFlush(request: number): boolean {
  return (request - 1) % FLUSH_EVERY === FLUSH_EVERY - 1;
}

/** How many requests each disk has been given. */
export function requestsOf({ parts: { engine } }: Machine): number[] {
  const count = engine.memory.readU8(RING.base - 1);
  return Array.from({ length: count }, (_, index) => {
    return engine.memory.readU16(places(index, ringSize).available + 2);
  });
}

const ringSize = 128;

/** What a disk that was empty holds after so many requests. */
export function contentAfter(requests: number): Buffer {
  const bytes = Buffer.alloc(DISK_BYTES);
  for (let request = 1; request <= requests; request += 1) {
    if (isFlush(request)) continue;
    const sector = (request * STRIDE) % USED_SECTORS;
    for (let at = 0; at < 512; at += 8) bytes.writeBigUInt64LE(BigInt(request), sector * 512 + at);
  }
  return bytes;
}

/** What each disk of a machine holds now, read past the guest. */
export function contentsOf({ parts: { disks } }: Machine): Buffer[] {
  return disks.map(({ backend }) => {
    const bytes = Buffer.alloc(backend.capacity);
    let result: string | null = null;
    backend.submit({ kind: 'read', offset: 0, length: bytes.length, memory: [bytes] }, (found) => {
      result = found;
    });
    while (result === null) backend.wait();
    if (result !== 'ok') throw new Error(`a disk cannot be read: ${String(result)}`);
    return bytes;
  });
}

export function digestsOf(machine: Machine): string[] {
  return contentsOf(machine).map((content) => createHash('sha256').update(content).digest('hex'));
}

/** Every disk holds what the memory of its guest says. */
export function checkContent(machine: Machine): void {
  const counts = requestsOf(machine);
  contentsOf(machine).forEach((content, index) => {
    if (!content.equals(contentAfter(counts[index] ?? 0))) throw new Error(`disk ${index} is not that of its memory`);
  });
}
