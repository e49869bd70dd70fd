// SPDX-License-Identifier: BSD-2-Clause
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replaceImage } from '../../../scripts/debian-image/replace-image.js';

let cache = '';
let folder = '';
let gone = '';
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'tsbhyve-cache-'));
  folder = join(cache, 'debian-image');
  gone = join(cache, 'gone');
});
afterEach(() => rmSync(cache, { recursive: true }));

/** A folder with files that hold `text`. */
function files(path: string, text: string, ...names: string[]): string {
  mkdirSync(path);
  for (const name of names) writeFileSync(join(path, name), text);
  return path;
}

const textOf = (...path: string[]): string => readFileSync(join(...path), 'latin1');
const made = (): string => files(join(cache, 'made'), 'new', 'root.img');

test('the first image', () => {
  expect(replaceImage(folder, made(), gone)).toBeNull();
  expect(textOf(folder, 'root.img')).toBe('new');
});

test('an image that nobody has booted goes', () => {
  files(folder, 'old', 'root.img');
  expect(replaceImage(folder, made(), gone)).toBeNull();
  expect(textOf(folder, 'root.img')).toBe('new');
  expect(textOf(gone, 'root.img')).toBe('old');
});

test('a disk that a guest has written to stays, with all that belongs to it', () => {
  files(folder, 'old', 'root.img', 'vmlinuz', 'disk.img');
  files(join(folder, 'disk.img.tsbhyve'), 'old', 'HEAD');
  const kept = replaceImage(folder, made(), gone) ?? '';
  expect(kept).toBe(`${folder}-old`);
  expect(readdirSync(folder)).toEqual(['root.img']);
  expect(readdirSync(kept).sort()).toEqual(['disk.img', 'disk.img.tsbhyve', 'vmlinuz']);
  expect(textOf(kept, 'disk.img.tsbhyve', 'HEAD')).toBe('old');
  expect(existsSync(gone)).toBe(false);
});

test('none of several takes the place of another', () => {
  files(`${folder}-old`, 'older', 'disk.img');
  files(folder, 'old', 'disk.img');
  expect(replaceImage(folder, made(), gone)).toBe(`${folder}-old-2`);
  expect(textOf(`${folder}-old`, 'disk.img')).toBe('older');
  expect(textOf(`${folder}-old-2`, 'disk.img')).toBe('old');
});
