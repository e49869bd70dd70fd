// SPDX-License-Identifier: BSD-2-Clause
import { gunzipSync } from 'node:zlib';
import { cpioArchive, type Entry } from '../../scripts/quickstart/cpio.js';
import { initramfs } from '../../scripts/quickstart/initramfs.js';

interface Member {
  readonly name: string;
  readonly mode: number;
  readonly size: number;
  readonly device: readonly [number, number];
  readonly content: string;
}

/** Reads an archive as the kernel does: 13 fields of 8 hex digits after the magic, name, content, each padded to 4. */
function members(archive: Uint8Array): Member[] {
  const buffer = Buffer.from(archive);
  const found: Member[] = [];
  for (let at = 0; ; ) {
    expect(at % 4).toBe(0);
    expect(buffer.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number): number =>
      Number.parseInt(buffer.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const nameSize = field(11);
    const name = buffer.toString('latin1', at + 110, at + 110 + nameSize - 1);
    expect(buffer[at + 110 + nameSize - 1]).toBe(0);
    const content = (at + 110 + nameSize + 3) & ~3;
    const size = field(6);
    if (name === 'TRAILER!!!') {
      expect(content).toBe(buffer.length);
      return found;
    }
    found.push({
      name,
      mode: field(1),
      size,
      device: [field(9), field(10)],
      content: buffer.toString('latin1', content, content + size),
    });
    at = (content + size + 3) & ~3;
  }
}

test('every kind of entry reads back', () => {
  const entries: Entry[] = [
    { kind: 'folder', name: 'dev' },
    { kind: 'file', name: 'init', bytes: Buffer.from('12345'), executable: true },
    { kind: 'file', name: 'empty', bytes: new Uint8Array(0) },
    { kind: 'link', name: 'sh', target: 'busybox' },
    { kind: 'character-device', name: 'dev/console', major: 5, minor: 1 },
  ];
  expect(members(cpioArchive(entries))).toEqual([
    { name: 'dev', mode: 0o040755, size: 0, device: [0, 0], content: '' },
    { name: 'init', mode: 0o100755, size: 5, device: [0, 0], content: '12345' },
    { name: 'empty', mode: 0o100644, size: 0, device: [0, 0], content: '' },
    { name: 'sh', mode: 0o120777, size: 7, device: [0, 0], content: 'busybox' },
    { name: 'dev/console', mode: 0o020600, size: 0, device: [5, 1], content: '' },
  ]);
});

test('the initramfs has what the kernel looks for, and folders before what lies in them', () => {
  const files = { busybox: Buffer.from('ELF'), modules: new Map([['button.ko', Buffer.from('module')]]) };
  const found = members(gunzipSync(initramfs(files)));
  const names = found.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['init', 'dev/console', 'bin/busybox', 'modules/0-button.ko']));
  for (const name of names.filter((path) => path.includes('/'))) {
    expect(names.indexOf(name.slice(0, name.lastIndexOf('/')))).toBeGreaterThanOrEqual(0);
    expect(names.indexOf(name.slice(0, name.lastIndexOf('/')))).toBeLessThan(names.indexOf(name));
  }
  expect(found.find(({ name }) => name === 'init')?.content).toContain('echo GUEST-UP');
});
