// SPDX-License-Identifier: BSD-2-Clause
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockResult } from '../../../devices/virtio/block-backend.js';
import type { Unfinished } from '../../../devices/virtio/block-request.js';
import { FileDisk, type FileDiskOptions } from '../../../src/host/disk/file-disk.js';

let folder: string;
let path: string;
const opened: FileDisk[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-disk-'));
  path = join(folder, 'disk.img');
  writeFileSync(path, Buffer.alloc(3 * 512 + 100, 'x'));
});

afterEach(() => {
  for (const disk of opened.splice(0)) disk.close();
  rmSync(folder, { recursive: true });
});

function open(options: Partial<FileDiskOptions> = {}): FileDisk {
  const disk = new FileDisk({ path, readOnly: false, sync: false, logicalBlock: 512, physicalBlock: 512, ...options });
  opened.push(disk);
  return disk;
}

function ask(disk: FileDisk, request: Unfinished): BlockResult | undefined {
  let answer: BlockResult | undefined;
  disk.submit({
    ...request,
    done: (result) => {
      answer = result;
    },
  });
  return answer;
}

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

test('has as many whole sectors as the file', () => {
  expect(open().capacity).toBe(3 * 512);
});

test('writes and reads pieces of memory', () => {
  const disk = open();
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

test('gives discarded space back', () => {
  writeFileSync(path, Buffer.alloc(1024 * 1024, 'x'));
  const disk = open();
  const before = statSync(path).blocks;
  expect(ask(disk, { kind: 'discard', offset: 0, length: 512 * 1024, durable: true })).toBe('ok');
  expect(statSync(path).blocks).toBeLessThan(before);
});

test('a read beyond a file that became shorter fails', () => {
  const disk = open();
  truncateSync(path, 100);
  expect(ask(disk, { kind: 'read', offset: 0, length: 512, memory: [bytes(512, 0)] })).toBe('error');
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
  writeFileSync(path, 'short');
  expect(() => open()).toThrow('5 bytes; at least 512 are accepted');
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

test('a flush that failed once never succeeds again', () => {
  const disk = open();
  disk.close();
  expect(ask(disk, { kind: 'flush' })).toBe('error');
  writeFileSync(join(folder, 'other'), '');
  expect(ask(disk, { kind: 'flush' })).toBe('error');
});
