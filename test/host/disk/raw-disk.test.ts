// SPDX-License-Identifier: BSD-2-Clause
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageBackend } from '../../../src/host/disk/image-backend.js';
import { openRawDisk, type RawDiskOptions } from '../../../src/host/disk/raw-disk.js';
import { ask, bytes, DEFAULTS } from './support/asking.js';

let folder: string;
let path: string;
const opened: ImageBackend[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'raw-disk-'));
  path = join(folder, 'disk.img');
  writeFileSync(path, Buffer.alloc(3 * 512 + 100, 'x'));
});

afterEach(() => {
  for (const disk of opened.splice(0)) disk.close();
  rmSync(folder, { recursive: true });
});

function open(options: Partial<RawDiskOptions> = {}): ImageBackend {
  const disk = openRawDisk({ path, ...DEFAULTS, ...options });
  opened.push(disk);
  return disk;
}

test('has as many whole sectors as the file', () => {
  expect(open().capacity).toBe(3 * 512);
});

test.each([
  ['as it is', {}],
  ['durable', { sync: true }],
  ['past the cache', { noCache: true }],
])('writes and reads pieces of memory, %s', (_, options) => {
  truncateSync(path, 8192);
  const disk = open(options);
  const memory = [bytes(100, 1), bytes(0, 0), bytes(412, 2)];
  expect(ask(disk, { kind: 'write', offset: 512, length: 512, memory, durable: true })).toBe('ok');
  const back = [bytes(99, 0), bytes(413, 0)];
  expect(ask(disk, { kind: 'read', offset: 512, length: 512, memory: back })).toBe('ok');
  expect(Buffer.concat(back)).toEqual(Buffer.concat(memory));
  expect(readFileSync(path).subarray(508, 516).toString('latin1')).toBe('xxxx\x01\x01\x01\x01');
  expect(ask(disk, { kind: 'flush' })).toBe('ok');
});

test.each([true, false])('zeroes a range (unmap %s) and keeps the size', (unmap) => {
  const disk = open();
  expect(ask(disk, { kind: 'zero', offset: 512, length: 512, unmap, durable: false })).toBe('ok');
  const content = readFileSync(path);
  expect(content.subarray(512, 1024)).toEqual(Buffer.alloc(512));
  expect([content[511], content[1024], content.length]).toEqual([0x78, 0x78, 3 * 512 + 100]);
});

describe('space', () => {
  beforeEach(() => writeFileSync(path, Buffer.alloc(1024 * 1024, 'x')));
  const blocks = (): number => statSync(path).blocks;

  test('that is discarded is given back', () => {
    const before = blocks();
    const disk = open();
    expect(disk.canDiscard).toBe(true);
    expect(ask(disk, { kind: 'discard', offset: 0, length: 512 * 1024, durable: true })).toBe('ok');
    expect(blocks()).toBeLessThan(before);
  });

  test('stays with nodelete, although the guest may zero it', () => {
    const before = blocks();
    const disk = open({ discard: false });
    expect(disk.canDiscard).toBe(false);
    const range = { offset: 0, length: 512 * 1024 };
    expect(ask(disk, { kind: 'zero', ...range, unmap: true, durable: true })).toBe('ok');
    expect(readFileSync(path).subarray(0, 512 * 1024)).toEqual(Buffer.alloc(512 * 1024));
    expect(blocks()).toBeGreaterThanOrEqual(before);
  });
});

test('a file that became shorter fails, and none grows', () => {
  const disk = open();
  truncateSync(path, 100);
  expect(ask(disk, { kind: 'read', offset: 0, length: 512, memory: [bytes(512, 0)] })).toBe('error');
  const beyond = { kind: 'write' as const, offset: 3 * 512, length: 512, memory: [bytes(512, 1)], durable: false };
  expect(ask(disk, beyond)).toBe('error');
  expect(statSync(path).size).toBe(100);
});

test('a read-only disk has no way to write', () => {
  const disk = open({ readOnly: true });
  expect(disk.canDiscard).toBe(false);
  expect(ask(disk, { kind: 'write', offset: 0, length: 512, memory: [bytes(512, 0)], durable: false })).toBe('error');
  expect(ask(disk, { kind: 'flush' })).toBe('ok');
  expect(disk.identity).toMatch(/^1636 bytes of \d{4}-/);
});

test('says what is wrong with a path', () => {
  expect(() => open({ path: join(folder, 'none') })).toThrow(
    /^disk .*none: cannot open it: no such file or directory$/,
  );
  expect(() => open({ path: folder, readOnly: true })).toThrow(
    'not a disk; a raw image file or a block device is accepted',
  );
  expect(() => open({ path: '/dev/null' })).toThrow('not a disk; a raw image file or a block device is accepted');
  writeFileSync(path, 'short');
  expect(() => open()).toThrow('5 bytes; at least 512 are accepted');
  writeFileSync(path, '');
  expect(() => open()).toThrow('0 bytes; at least 512 are accepted');
});

test('a file system without direct I/O is named', () => {
  expect(() => open({ path: '/proc/self/status', readOnly: true, noCache: true })).toThrow(
    /cannot open it: its file system cannot do without the cache: leave out nocache$/,
  );
});

test('has one writer, or several readers', () => {
  const refusal = 'in use by another VM; one may write to it, or several may read it';
  open({ readOnly: true });
  open({ readOnly: true });
  expect(() => open()).toThrow(refusal);
  for (const disk of opened.splice(0)) disk.close();
  open();
  expect(() => open({ readOnly: true })).toThrow(refusal);
});

function losetup(...words: string[]): string {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  return execFileSync('losetup', words, { env, encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** Why this host lets us have no block device; null if it does. */
function noDevice(): string | null {
  const own = mkdtempSync(join(tmpdir(), 'loop-'));
  try {
    writeFileSync(join(own, 'disk.img'), Buffer.alloc(4096));
    losetup('-d', losetup('--show', '-f', join(own, 'disk.img')));
    return null;
  } catch (error) {
    return `no loop device can be had here: ${String(error)}`.split('\n')[0] ?? '';
  } finally {
    rmSync(own, { recursive: true });
  }
}

const reason = noDevice();
const whenPossible = reason === null ? describe : describe.skip;

whenPossible(`a block device${reason === null ? '' : ` (${reason})`}`, () => {
  let device = '';

  beforeEach(() => {
    writeFileSync(path, Buffer.alloc(1024 * 1024, 'x'));
    device = losetup('--show', '-f', path);
  });

  afterEach(() => {
    for (const disk of opened.splice(0)) disk.close();
    losetup('-d', device);
  });

  test.each([false, true])('is read, written, zeroed and discarded (nocache %s)', (noCache) => {
    const disk = open({ path: device, noCache });
    expect(disk.capacity).toBe(1024 * 1024);
    expect(disk.canDiscard).toBe(true);
    const memory = [bytes(512, 1), bytes(3584, 2)];
    expect(ask(disk, { kind: 'write', offset: 4096, length: 4096, memory, durable: true })).toBe('ok');
    expect(ask(disk, { kind: 'zero', offset: 16384, length: 4096, unmap: true, durable: true })).toBe('ok');
    expect(ask(disk, { kind: 'zero', offset: 32768, length: 512, unmap: false, durable: true })).toBe('ok');
    const before = statSync(path).blocks;
    expect(ask(disk, { kind: 'discard', offset: 512 * 1024, length: 256 * 1024, durable: true })).toBe('ok');
    expect(statSync(path).blocks).toBeLessThan(before);
    const content = readFileSync(path);
    expect(content.subarray(4096, 8192)).toEqual(Buffer.concat(memory));
    expect(content.subarray(16384, 20480)).toEqual(Buffer.alloc(4096));
    expect(content.subarray(32768, 33280)).toEqual(Buffer.alloc(512));
    expect([content[4095], content[16383], content[33280]]).toEqual([0x78, 0x78, 0x78]);
  });
});
