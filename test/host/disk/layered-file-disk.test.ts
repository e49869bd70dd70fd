// SPDX-License-Identifier: BSD-2-Clause
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LayeredFileDisk } from '../../../src/host/disk/layered-file-disk.js';
import type { OpenOptions } from '../../../src/host/disk/layers/api.js';
import { inspectDisk } from '../../../src/host/disk/layers/inspect.js';
import type { RawDiskOptions } from '../../../src/host/disk/raw-disk.js';
import { ask, DEFAULTS } from './support/asking.js';

let folder: string;
let path: string;
const opened: LayeredFileDisk[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'layered-file-disk-'));
  path = join(folder, 'disk.img');
  writeFileSync(path, Buffer.alloc(3 * 4096 + 100, 'x'));
});

afterEach(() => {
  for (const disk of opened.splice(0)) disk.close();
  rmSync(folder, { recursive: true });
});

function open(options: Partial<RawDiskOptions> = {}, opening: Partial<OpenOptions> = {}): LayeredFileDisk {
  const disk = LayeredFileDisk.open({ path, ...DEFAULTS, ...options }, opening);
  opened.push(disk);
  return disk;
}

function text(disk: LayeredFileDisk, offset: number): string {
  const bytes = new Uint8Array(512);
  expect(ask(disk, { kind: 'read', offset, length: 512, memory: [bytes] })).toBe('ok');
  return Buffer.from(bytes.subarray(0, 4)).toString('latin1');
}

function put(disk: LayeredFileDisk, offset: number, letter: string, durable = false): void {
  const memory = [Buffer.alloc(100, letter), Buffer.alloc(412, letter)];
  expect(ask(disk, { kind: 'write', offset, length: 512, memory, durable })).toBe('ok');
}

test('a flat image is written to directly, and nothing appears beside it', () => {
  const disk = open();
  expect(disk.capacity).toBe(3 * 4096);
  put(disk, 512, 'a');
  expect(readFileSync(path).subarray(510, 514).toString('latin1')).toBe('xxaa');
  disk.close();
  expect(() => readFileSync(`${path}.tsbhyve/HEAD`)).toThrow('ENOENT');
});

test('goes on in a layer once it is frozen, and in the same one after the next opening', () => {
  const disk = open();
  put(disk, 512, 'a');
  disk.layers.freeze(null);
  put(disk, 1024, 'b', true);
  expect([text(disk, 512), text(disk, 1024), text(disk, 1536)]).toEqual(['aaaa', 'bbbb', 'xxxx']);
  expect(readFileSync(path).subarray(1024, 1028).toString('latin1')).toBe('xxxx');
  expect(ask(disk, { kind: 'zero', offset: 512, length: 512, unmap: true, durable: false })).toBe('ok');
  expect(ask(disk, { kind: 'discard', offset: 8192, length: 4096, durable: true })).toBe('ok');
  expect(ask(disk, { kind: 'flush' })).toBe('ok');
  disk.close();
  const again = open();
  expect([text(again, 512), text(again, 1024), text(again, 1536)]).toEqual(['\0\0\0\0', 'bbbb', 'xxxx']);
  expect(again.layers.chainLength).toBe(0);
});

test('a clean end keeps what the guest has not flushed', () => {
  const disk = open();
  disk.layers.freeze(null);
  put(disk, 0, 'a');
  disk.close();
  expect(text(open(), 0)).toBe('aaaa');
});

test.each([true, false])('one writer, or several readers (layers: %s)', (isLayered) => {
  const disk = open();
  if (isLayered) disk.layers.freeze(null);
  expect(() => open()).toThrow(`disk ${path}: in use by another VM; one may write to it, or several may read it`);
  expect(() => open({ readOnly: true })).toThrow('in use by another VM');
  expect(inspectDisk(path).isInUse).toBe(true);
  disk.close();
  expect(inspectDisk(path).isInUse).toBe(false);
  const readers = [open({ readOnly: true }), open({ readOnly: true })];
  expect(readers.map((reader) => text(reader, 0))).toEqual(['xxxx', 'xxxx']);
  expect(() => open()).toThrow('in use by another VM');
});

test('a reader has the identity of all files, and writes nothing', () => {
  const first = open();
  first.layers.freeze(null);
  first.close();
  const disk = open({ readOnly: true });
  expect(disk.identity).toMatch(/^12388 bytes of .*Z and 20480 bytes of .*Z$/);
  const memory = [new Uint8Array(512)];
  expect(ask(disk, { kind: 'write', offset: 0, length: 512, memory, durable: false })).toBe('error');
  expect(ask(disk, { kind: 'flush' })).toBe('ok');
});

test('clones go on beside the original, each for itself', () => {
  const disk = open();
  put(disk, 0, 'a');
  const point = disk.layers.freeze(null);
  put(disk, 0, 'b');
  const clones = ['one', 'two'].map((line) => open({}, { line, at: point }));
  for (const [index, clone] of clones.entries()) {
    expect(clone.layers.adopt()).toBeNull();
    put(clone, 512, String(index));
  }
  expect(clones.map((clone) => [text(clone, 0), text(clone, 512)])).toEqual([
    ['aaaa', '0000'],
    ['aaaa', '1111'],
  ]);
  expect(text(disk, 512)).toBe('xxxx');
  expect(() => open({}, { line: 'one' })).toThrow('in use by another VM');
  for (const each of [disk, ...clones]) each.close();
  expect(text(open({}, { line: 'two' }), 512)).toBe('1111');
  expect(text(open(), 0)).toBe('bbbb');
  expect(() => open({}, { line: 'three' })).toThrow('no clone three goes on from it');
  expect(inspectDisk(path).clones.map(({ name }) => name)).toEqual(['one', 'two']);
});
