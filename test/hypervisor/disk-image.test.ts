// SPDX-License-Identifier: BSD-2-Clause
/** Native disk I/O on the memory of an engine, by its own threads. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from '../../src/hypervisor/addon.js';
import { DiskImage, type ImageRequest } from '../../src/hypervisor/disk-image.js';
import type { EngineEvent } from '../../src/hypervisor/engine-events.js';
import type { Engine } from '../../src/hypervisor/hypervisor.js';
import { openNativeEngine } from '../../src/hypervisor/native.js';

const SOURCE = 3;
const FOR_EVER = 600_000;
const COUNT = 64;
/** ext4, XFS and btrfs know what is in the page cache; others may say no. */
const CAN_TELL: ReadonlySet<number> = new Set([0xef53, 0x5846_5342, 0x9123_683e]);
let engine: Engine;
let folder: string;
let path: string;
let image: DiskImage;

beforeEach(() => {
  engine = openNativeEngine('soft', {
    memory: [{ base: 0, length: 1024 * 1024 }],
    clock: { kind: 'real' },
    tscHz: 1_000_000_000n,
    physicalAddressBits: 40,
    cpuid: new Uint32Array(0),
  });
  folder = mkdtempSync(join(tmpdir(), 'disk-image-'));
  path = join(folder, 'disk.img');
  writeFileSync(path, Buffer.alloc(COUNT * 4096));
  const fd = openSync(path, 'r+');
  image = new DiskImage('disk', loadAddon().disk.openRaw(fd, false).image);
  closeSync(fd);
});

afterEach(() => {
  image.close();
  engine.close();
  rmSync(folder, { recursive: true });
});

const memory = (page: number): Uint8Array[] => engine.memory.views(page * 4096, 4096, 'write');
const write = (page: number): ImageRequest => ({
  kind: 'write',
  offset: page * 4096,
  length: 4096,
  memory: memory(page),
  durable: page % 8 === 0,
});

function submit(token: number, request: ImageRequest): boolean {
  if (engine.disks === null) throw new Error('the engine has no disk threads');
  return engine.disks.submit(image, SOURCE, token, request);
}

function next(): EngineEvent | null {
  expect(engine.events?.waitFor(SOURCE, FOR_EVER)).toBe(true);
  return engine.events?.take(SOURCE) ?? null;
}

test('many requests are in flight at once, and each is told when it is done', () => {
  for (let page = 0; page < COUNT; page += 1) {
    for (const view of memory(page)) view.fill(page + 1);
    expect(submit(page, write(page))).toBe(true);
  }
  const tokens = Array.from({ length: COUNT }, () => next());
  expect(tokens.every((event) => event?.result === 0)).toBe(true);
  expect(tokens.map((event) => event?.token).sort((a = 0, b = 0) => a - b)).toEqual([...Array(COUNT).keys()]);
  const content = readFileSync(path);
  for (let page = 0; page < COUNT; page += 1) {
    expect(content.subarray(page * 4096, page * 4096 + 4096)).toEqual(Buffer.alloc(4096, page + 1));
  }
  for (const view of memory(0)) view.fill(0);
  submit(99, { kind: 'read', offset: 7 * 4096, length: 4096, memory: memory(0) });
  expect(next()).toMatchObject({ token: 99, result: 0 });
  expect(memory(0)[0]?.[4095]).toBe(8);
});

test('what has just been written is in the memory of the host', () => {
  writeFileSync(path, Buffer.alloc(COUNT * 4096, 0x5a));
  const read = engine.disks?.readCached(image, 4096, [...memory(2), ...memory(5)]);
  if (CAN_TELL.has(statfsSync(folder).type)) expect(read).toBe(true);
  expect([memory(2)[0]?.[0], memory(5)[0]?.[4095]]).toEqual(read === true ? [0x5a, 0x5a] : [0, 0]);
  expect(engine.disks?.readCached(image, COUNT * 4096, memory(2))).toBe(false);
  expect(() => engine.disks?.readCached(image, 0, [new Uint8Array(512)])).toThrow('expected guest memory');
});

test('only guest memory may be worked on later', () => {
  const foreign: ImageRequest = { kind: 'read', offset: 0, length: 4096, memory: [new Uint8Array(4096)] };
  expect(() => submit(0, foreign)).toThrow('disk: memory: expected guest memory of this machine');
  expect(image.perform(foreign)).toBe(0);
});

test('nonsense is refused', () => {
  const request = (kind: string) => ({ kind, offset: 0, length: 0 }) as ImageRequest;
  expect(() => image.perform(request('format'))).toThrow('kind: expected an unsigned 64-bit integer');
  expect(() => image.perform({ kind: 'read', offset: -1 })).toThrow('offset: expected an unsigned 64-bit integer');
  expect(() => loadAddon().disk.openRaw(-1, false)).toThrow('Bad file descriptor');
});

test('a machine that is closed with requests in flight waits for none of them and breaks nothing', () => {
  for (let page = 0; page < COUNT; page += 1) submit(page, write(page));
  engine.close();
  expect(() => submit(0, { kind: 'flush' })).toThrow('the machine is closed');
});

test('a closed disk finishes what it has, and takes nothing more', () => {
  expect(submit(1, write(1))).toBe(true);
  image.close();
  expect(next()).toMatchObject({ token: 1, result: 0 });
  expect(() => image.perform({ kind: 'flush' })).toThrow('the disk is closed');
  image.close();
});
