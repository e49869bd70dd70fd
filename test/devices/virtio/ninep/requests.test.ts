// SPDX-License-Identifier: BSD-2-Clause
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Err, NinepClient, sandbox, shareOf, u8, u32, u64 } from '../../../support/ninep-client.js';

let outside: string;
let share: string;
let talk: NinepClient;
beforeEach(() => {
  ({ outside, share } = sandbox());
  talk = new NinepClient(shareOf(share)).attach();
});
afterEach(() => {
  talk.rig.device.close();
});

const readOnly = () => new NinepClient(shareOf(share, { readOnly: true })).attach();
const walkError = (...names: readonly string[]): number => talk.error(110, u32(0), u32(9), [2, names.length], ...names);

describe('walk', () => {
  test('goes as far as the names are there', () => {
    expect(talk.walk(1, 'sub', 'data')).toBe(2);
    expect(talk.walk(2, 'sub', 'nothing', 'data')).toBe(1);
    expect(talk.error(24, u32(2), u64(0x7ff))).toBe(Err.EBADF);
    expect(walkError('nothing')).toBe(Err.ENOENT);
    expect(talk.walk(3)).toBe(0);
    expect(talk.attributes(3).qidType).toBe(0x80);
  });

  test('never leads out', () => {
    expect(talk.walk(1, '..', '..', '..')).toBe(3);
    expect(talk.attributes(1).file).toBe(talk.attributes(0).file);
    expect(talk.walk(2, 'sub', '..', '..', 'hello')).toBe(4);
    expect(walkError('../secret')).toBe(Err.EINVAL);
    expect(walkError('/etc')).toBe(Err.EINVAL);
    expect(walkError('.')).toBe(Err.EINVAL);
    expect(walkError('')).toBe(Err.EINVAL);
    expect(walkError('a\0b')).toBe(Err.EINVAL);
    expect(talk.walk(3, 'up', 'secret')).toBe(1);
    expect(talk.walk(4, 'out', 'secret')).toBe(1);
    expect(talk.walk(5, 'hello', 'x')).toBe(1);
  });

  test('takes 16 names, and fids that are free', () => {
    expect(walkError(...Array.from({ length: 17 }, () => '..'))).toBe(Err.EINVAL);
    expect(talk.walk(1, ...Array.from({ length: 16 }, () => '..'))).toBe(16);
    expect(talk.error(110, u32(0), u32(1), [2, 0])).toBe(Err.EBADF);
    expect(talk.error(110, u32(7), u32(8), [2, 0])).toBe(Err.EBADF);
    expect(talk.error(110, u32(0), u32(0xffffffff), [2, 0])).toBe(Err.EBADF);
    expect(talk.ask(110, u32(1), u32(1), [2, 1], 'sub').readUInt16LE()).toBe(1);
    expect(talk.ask(110, u32(1), u32(1), [2, 1], 'data').readUInt16LE()).toBe(1);
    talk.open(1);
    expect(talk.error(110, u32(1), u32(1), [2, 1], '..')).toBe(Err.EINVAL);
  });
});

describe('open files', () => {
  test('are read and written', () => {
    talk.walk(1, 'hello');
    expect(talk.error(116, u32(1), u64(0), u32(1))).toBe(Err.EBADF);
    talk.open(1, 0o2);
    expect(talk.read(1)).toBe('hello\n');
    expect(talk.read(1, 2, 2)).toBe('ll');
    expect(talk.read(1, 100)).toBe('');
    expect(talk.error(116, u32(1), u64(2n ** 63n), u32(1))).toBe(0);
    expect(talk.write(1, 'J')).toBe(1);
    expect(talk.error(118, u32(1), u64(2n ** 64n - 1n), u32(1), Uint8Array.of(1))).toBe(27);
    expect(readFileSync(join(share, 'hello'), 'utf8')).toBe('Jello\n');
    talk.ask(50, u32(1), u32(0));
    expect(talk.error(12, u32(1), u32(0))).toBe(Err.EINVAL);
  });

  test('are regular files and folders, nothing else', () => {
    execFileSync('mkfifo', [join(share, 'pipe')]);
    talk.walk(1, 'pipe');
    expect(talk.error(12, u32(1), u32(0))).toBe(6);
    talk.walk(2, 'link');
    expect(talk.attributes(2).qidType).toBe(2);
    expect(talk.error(12, u32(2), u32(0))).toBe(6);
    talk.walk(3, 'out');
    expect(talk.error(12, u32(3), u32(0))).toBe(6);
    expect(talk.error(12, u32(0), u32(3))).toBe(Err.EINVAL);
    talk.walk(4, 'sub');
    expect(talk.error(12, u32(4), u32(0o1))).toBe(21);
    talk.open(4);
    expect(talk.error(116, u32(4), u64(0), u32(1))).toBe(21);
  });

  test('are 1024 at most', () => {
    for (let fid = 1; fid <= 1024; fid += 1) {
      talk.walk(fid, 'hello');
      talk.open(fid);
    }
    talk.walk(2000, 'hello');
    expect(talk.error(12, u32(2000), u32(0))).toBe(24);
    talk.clunk(1024);
    talk.open(2000);
  });

  test('are made with exactly the mode that was asked for', () => {
    talk.walk(1);
    talk.create(1, 'new', 0o302, 0o666);
    expect(talk.write(1, 'text')).toBe(4);
    expect(lstatSync(join(share, 'new')).mode & 0o7777).toBe(0o666);
    talk.walk(2);
    expect(talk.error(14, u32(2), 'new', u32(0o302), u32(0o644), u32(0))).toBe(Err.EEXIST);
    talk.create(2, 'new', 0o1102, 0o600);
    expect(readFileSync(join(share, 'new'), 'utf8')).toBe('');
    expect(lstatSync(join(share, 'new')).mode & 0o7777).toBe(0o666);
    talk.walk(3);
    expect(talk.error(14, u32(3), 'up/new', u32(0o302), u32(0o644), u32(0))).toBe(Err.EINVAL);
    expect(talk.error(14, u32(3), 'out', u32(0o102), u32(0o644), u32(0))).toBe(6);
    talk.create(3, 'program', 0o302, 0o6755);
    expect(lstatSync(join(share, 'program')).mode & 0o7777).toBe(0o755);
  });

  test('know what they are after their name has gone', () => {
    talk.walk(1, 'hello');
    talk.open(1);
    talk.ask(76, u32(0), 'hello', u32(0));
    expect(talk.attributes(1)).toMatchObject({ size: 6n, links: 0n });
    expect(talk.read(1)).toBe('hello\n');
  });

  test('locks are granted', () => {
    talk.walk(1, 'hello');
    expect(talk.ask(52, u32(1), u8(1), u32(0), u64(0), u64(0), u32(1), 'me').readUInt8()).toBe(0);
    expect(talk.ask(54, u32(1), u8(1), u64(5), u64(6), u32(1), 'me').readUInt8()).toBe(2);
  });
});

describe('folders', () => {
  test('are listed in an order that names decide', () => {
    for (let n = 0; n < 500; n += 1) writeFileSync(join(share, 'sub', `name-${(n * 7) % 500}`), '');
    talk.walk(1, 'sub');
    talk.open(1);
    const all: { name: string; offset: bigint }[] = [];
    for (;;) {
      const some = talk.entries(1, all.at(-1)?.offset ?? 0, 1000);
      if (some.length === 0) break;
      all.push(...some);
    }
    expect(new Set(all.map(({ name }) => name)).size).toBe(504);
    expect(all.slice(0, 2).map(({ name }) => name)).toEqual(['.', '..']);
    const offsets = all.map(({ offset }) => offset);
    expect(offsets).toEqual(offsets.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(talk.error(40, u32(1), u64(0), u32(10))).toBe(Err.EINVAL);
    expect(talk.error(40, u32(0), u64(0), u32(1000))).toBe(Err.EBADF);
  });

  test('tell types, and nothing of what is above the root', () => {
    talk.walk(1);
    talk.open(1);
    const body = talk.ask(40, u32(1), u64(0), u32(1000));
    const files = [body.readBigUInt64LE(4 + 5), body.readBigUInt64LE(4 + 25 + 5)];
    expect(files).toEqual([talk.attributes(0).file, talk.attributes(0).file]);
    const types = Object.fromEntries(talk.entries(1).map(({ name, type }) => [name, type]));
    expect(types).toEqual({ '.': 4, '..': 4, hello: 8, link: 10, out: 10, sub: 4, up: 10 });
  });

  test('what is removed while they are read is not shown any more', () => {
    talk.walk(1);
    talk.open(1);
    expect(talk.entries(1, 0, 80)).not.toHaveLength(0);
    const rest = talk.entries(1, 2n).map(({ name }) => name);
    talk.ask(76, u32(0), 'hello', u32(0));
    expect(talk.entries(1, 2n).map(({ name }) => name)).toEqual(rest.filter((name) => name !== 'hello'));
  });
});

describe('names', () => {
  test('are made, moved and taken away', () => {
    talk.ask(72, u32(0), 'made', u32(0o2751), u32(0));
    expect(statSync(join(share, 'made')).mode & 0o7777).toBe(0o751);
    talk.ask(16, u32(0), 'soft', '../../anywhere', u32(0));
    expect(readlinkSync(join(share, 'soft'))).toBe('../../anywhere');
    talk.walk(1, 'soft');
    expect(talk.ask(22, u32(1)).toString('latin1', 2)).toBe('../../anywhere');
    talk.walk(2, 'hello');
    talk.ask(70, u32(0), u32(2), 'hard');
    expect(lstatSync(join(share, 'hard')).nlink).toBe(2);
    talk.ask(74, u32(0), 'hard', u32(0), 'moved');
    talk.walk(3, 'made');
    talk.ask(20, u32(2), u32(3), 'hello');
    expect(existsSync(join(share, 'made/hello'))).toBe(true);
    expect(talk.attributes(2).links).toBe(2n);
    expect(talk.error(76, u32(0), 'made', u32(0x200))).toBe(39);
    expect(talk.error(76, u32(0), 'made', u32(0))).toBe(21);
    expect(talk.error(76, u32(0), 'made', u32(1))).toBe(Err.EINVAL);
    talk.ask(122, u32(2));
    talk.ask(76, u32(0), 'made', u32(0x200));
    expect(existsSync(join(share, 'made'))).toBe(false);
  });

  test('a renamed folder takes the fids below it along', () => {
    talk.walk(1, 'sub', 'data');
    talk.walk(2, 'sub', 'deep');
    talk.ask(74, u32(0), 'sub', u32(0), 'other');
    talk.open(1);
    expect(talk.read(1)).toBe('data\n');
    talk.create(2, 'new');
    expect(existsSync(join(share, 'other/deep/new'))).toBe(true);
    expect(talk.error(74, u32(0), 'other', u32(2), 'x')).toBe(20);
    talk.walk(3, 'other', 'deep');
    expect(talk.error(74, u32(0), 'other', u32(3), 'x')).toBe(Err.EINVAL);
  });

  test('devices, pipes and sockets are not made; files are', () => {
    for (const type of [0o20000, 0o60000, 0o10000, 0o140000, 0o40000]) {
      expect(talk.error(18, u32(0), 'node', u32(type | 0o644), u32(1), u32(3), u32(0))).toBe(1);
    }
    talk.ask(18, u32(0), 'node', u32(0o100640), u32(0), u32(0), u32(0));
    expect(lstatSync(join(share, 'node')).mode).toBe(0o100640);
  });

  test.each(['', '.', '..', 'a/b', '/a', 'a\0', '../x'])('%j is none', (name) => {
    expect(talk.error(72, u32(0), name, u32(0o755), u32(0))).toBe(Err.EINVAL);
    expect(talk.error(16, u32(0), name, 'x', u32(0))).toBe(Err.EINVAL);
    expect(talk.error(76, u32(0), name, u32(0))).toBe(Err.EINVAL);
    expect(talk.error(74, u32(0), 'hello', u32(0), name)).toBe(Err.EINVAL);
    expect(talk.error(74, u32(0), name, u32(0), 'x')).toBe(Err.EINVAL);
    talk.walk(1, 'hello');
    expect(talk.error(70, u32(0), u32(1), name)).toBe(Err.EINVAL);
    expect(talk.error(20, u32(1), u32(0), name)).toBe(Err.EINVAL);
  });

  test('the folder itself stays', () => {
    talk.walk(1);
    expect(talk.error(122, u32(1))).toBe(16);
    talk.walk(1);
    expect(talk.error(20, u32(1), u32(0), 'x')).toBe(16);
    expect(existsSync(share)).toBe(true);
  });

  test('have at most 255 bytes, paths 4095', () => {
    expect(talk.error(72, u32(0), 'n'.repeat(256), u32(0o755), u32(0))).toBe(36);
    const name = 'n'.repeat(255);
    talk.walk(1);
    for (let depth = 0; depth < 16; depth += 1) {
      talk.ask(72, u32(1), name, u32(0o755), u32(0));
      expect(talk.ask(110, u32(1), u32(1), [2, 1], name).readUInt16LE()).toBe(1);
    }
    expect(talk.error(72, u32(1), name, u32(0o755), u32(0))).toBe(36);
    talk.ask(110, u32(1), u32(2), [2, 0]);
    talk.ask(72, u32(0), 'a', u32(0o755), u32(0));
    expect(talk.error(74, u32(0), name, u32(0), 'short')).toBe(0);
    talk.ask(110, u32(1), u32(3), [2, 1], '..');
    expect(talk.error(72, u32(1), 'm'.repeat(200), u32(0o755), u32(0))).toBe(0);
    expect(talk.ask(110, u32(1), u32(1), [2, 1], 'm'.repeat(200)).readUInt16LE()).toBe(1);
    expect(talk.error(74, u32(0), 'short', u32(0), name)).toBe(36);
  });
});

describe('attributes', () => {
  const set = (fid: number, valid: number, { mode = 0, uid = 0, gid = 0, size = 0, atime = 0, mtime = 0 } = {}) =>
    talk.error(
      26,
      ...[u32(fid), u32(valid), u32(mode), u32(uid), u32(gid), u64(size)],
      ...[u64(atime), u64(1), u64(mtime), u64(2)],
    );

  test('are set', () => {
    talk.walk(1, 'hello');
    expect(set(1, 0x1b9, { mode: 0o604, size: 3, atime: 100, mtime: 200 })).toBe(0);
    const { mode, size, atimeMs, mtimeMs } = statSync(join(share, 'hello'));
    expect([mode & 0o7777, size, Math.floor(atimeMs), Math.floor(mtimeMs)]).toEqual([0o604, 3, 100_000, 200_000]);
    expect(set(1, 0x06, { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 })).toBe(0);
    expect(set(1, 0x20)).toBe(0);
    expect(statSync(join(share, 'hello')).mtimeMs).toBeGreaterThan(1e12);
  });

  test('a file does not become a program that runs as its owner', () => {
    talk.walk(1, 'hello');
    expect(set(1, 1, { mode: 0o4755 })).toBe(1);
    expect(set(1, 1, { mode: 0o2755 })).toBe(1);
    talk.walk(2, 'sub');
    expect(set(2, 1, { mode: 0o2755 })).toBe(0);
  });

  test('of a link are its own', () => {
    talk.walk(1, 'out');
    chmodSync(outside, 0o711);
    expect(set(1, 1, { mode: 0o777 })).not.toBe(0);
    expect(set(1, 8, { size: 0 })).toBe(6);
    expect(set(1, 0x1b0, { atime: 1, mtime: 1 })).toBe(0);
    expect(statSync(outside).mode & 0o777).toBe(0o711);
    expect(statSync(outside).mtimeMs).toBeGreaterThan(1e12);
  });

  test('there are no extended ones', () => {
    expect(talk.error(30, u32(0), u32(1), 'user.x')).toBe(95);
    expect(talk.error(32, u32(0), 'user.x', u64(1), u32(0))).toBe(95);
  });
});

test('a read-only share changes nothing', () => {
  const guest = readOnly();
  guest.walk(1, 'hello');
  expect(guest.error(12, u32(1), u32(0o1))).toBe(Err.EROFS);
  expect(guest.error(12, u32(1), u32(0o2))).toBe(Err.EROFS);
  expect(guest.error(12, u32(1), u32(0o1000))).toBe(Err.EROFS);
  guest.open(1);
  expect(guest.read(1)).toBe('hello\n');
  expect(guest.error(118, u32(1), u64(0), u32(1), Uint8Array.of(1))).toBe(Err.EROFS);
  const five = [u32(0), u32(0o644), u32(0)] as const;
  expect(guest.error(14, u32(0), 'x', u32(0o102), u32(0o644), u32(0))).toBe(Err.EROFS);
  expect(guest.error(16, u32(0), 'x', 'y', u32(0))).toBe(Err.EROFS);
  expect(guest.error(18, u32(0), 'x', u32(0o100644), ...five)).toBe(Err.EROFS);
  expect(guest.error(20, u32(1), u32(0), 'x')).toBe(Err.EROFS);
  expect(guest.error(26, u32(1), u32(1), ...five, u64(0), u64(0), u64(0), u64(0), u64(0))).toBe(Err.EROFS);
  expect(guest.error(70, u32(0), u32(1), 'x')).toBe(Err.EROFS);
  expect(guest.error(72, u32(0), 'x', u32(0o755), u32(0))).toBe(Err.EROFS);
  expect(guest.error(74, u32(0), 'hello', u32(0), 'x')).toBe(Err.EROFS);
  expect(guest.error(76, u32(0), 'hello', u32(0))).toBe(Err.EROFS);
  expect(guest.error(122, u32(1))).toBe(Err.EROFS);
  guest.rig.device.close();
});

test('other trees and authentication are refused, a flush finds nothing to do', () => {
  expect(talk.error(104, u32(5), u32(0), 'root', '/etc', u32(0))).toBe(Err.ENOENT);
  expect(talk.error(102, u32(5), 'root', '', u32(0))).toBe(95);
  expect(talk.error(108, [2, 3])).toBe(0);
});
