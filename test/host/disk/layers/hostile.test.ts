// SPDX-License-Identifier: BSD-2-Clause
/** Files of strangers: one line that names them, never anything else. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { diskLayers } from '../../../../src/host/disk/layers/disk-layers.js';
import { flatHead, type Head, headShape } from '../../../../src/host/disk/layers/head.js';
import { inspectDisk } from '../../../../src/host/disk/layers/inspect.js';
import { decodeSealed, encodeSealed } from '../../../../src/host/disk/layers/sealed.js';
import { OpenSubject, pattern, remove, temporaryImage } from './support/subject.js';

let folder: string;
let path: string;

beforeEach(() => {
  ({ folder, path } = temporaryImage());
  const subject = new OpenSubject(path);
  const owner = { id: '1'.repeat(32), path: join(folder, 'one') };
  mkdirSync(owner.path);
  subject.disk.pin(owner, subject.disk.freeze(null));
  subject.write(0, pattern(4096, 3));
  subject.disk.freeze(null);
  subject.write(4096, pattern(4096, 4));
  subject.close();
});

afterEach(() => remove(folder));

function inFolder(name: string): string {
  return join(`${path}.tsbhyve`, name);
}

function layer(): string {
  return inFolder(readdirSync(`${path}.tsbhyve`).find((name) => name.startsWith('layer-')) ?? '');
}

/** Whatever is tried with the image ends well, or with one line about it. */
function tryAll(): string[] {
  const messages: string[] = [];
  for (const work of [
    () => new OpenSubject(path).close(),
    () => new OpenSubject(path, { readOnly: true }).drop(),
    () => diskLayers.pinOf(path, '1'.repeat(32)),
    () => inspectDisk(path),
  ]) {
    try {
      work();
    } catch (error) {
      const { name, message } = error as Error;
      expect(['HostError', 'HypervisorError']).toContain(name);
      expect(message).toMatch(/^disk[^\n]{5,1200}$/);
      messages.push(message);
    }
  }
  return messages;
}

test.each(['HEAD', `pins/${'1'.repeat(32)}`])('any byte of %s may be anything', (name) => {
  const whole = readFileSync(inFolder(name));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ change;
      writeFileSync(inFolder(name), bytes);
      expect(tryAll().length).toBeGreaterThan(0);
    }),
    { numRuns: 150 },
  );
  for (const size of [0, 1, whole.length - 1]) {
    writeFileSync(inFolder(name), whole.subarray(0, size));
    expect(tryAll().length).toBeGreaterThan(0);
  }
});

test('a damaged HEAD or pin costs no layer', () => {
  const before = readdirSync(`${path}.tsbhyve`).filter((name) => name.startsWith('layer-'));
  for (const name of ['HEAD', `pins/${'1'.repeat(32)}`]) {
    const whole = readFileSync(inFolder(name));
    writeFileSync(inFolder(name), '{}');
    tryAll();
    writeFileSync(inFolder(name), whole);
  }
  expect(readdirSync(`${path}.tsbhyve`).filter((name) => name.startsWith('layer-'))).toEqual(before);
  expect(tryAll()).toEqual([]);
});

test('a HEAD that is no file, too large, or deep', () => {
  truncateSync(inFolder('HEAD'), 100 * 1024 * 1024);
  expect(tryAll()[0]).toContain('expected at most 4194304 bytes, got 104857600');
  writeFileSync(inFolder('HEAD'), '['.repeat(1_000_000));
  tryAll();
  rmSync(inFolder('HEAD'));
  symlinkSync('/dev/zero', inFolder('HEAD'));
  expect(tryAll()[0]).toContain('HEAD: cannot read it');
  rmSync(inFolder('HEAD'));
  mkdirSync(inFolder('HEAD'));
  expect(tryAll()[0]).toContain('HEAD: expected a regular file');
});

test('layers that are cut off, damaged, or missing', () => {
  const file = layer();
  const whole = readFileSync(file);
  chmodSync(file, 0o600);
  for (const spoil of [
    () => writeFileSync(file, whole.subarray(0, 4096)),
    () => writeFileSync(file, Buffer.concat([Buffer.alloc(4096, 'x'), whole.subarray(4096)])),
    () => writeFileSync(file, ''),
    () => rmSync(file),
  ]) {
    spoil();
    expect(tryAll().length).toBeGreaterThan(0);
  }
});

const good: Head = { ...flatHead(4096, 0o600), generation: 1 };
const identity = { bytes: 4096, changed: 1n, inode: 2n, device: 3n };
const file = `layer-${'2'.repeat(32)}`;

test.each<readonly [string, Head, RegExp]>([
  [
    'a chain without a top',
    { ...good, chain: [{ file, identity }] },
    /top: expected a layer above the chain, got none/,
  ],
  ['a top over nothing known', { ...good, top: '1'.repeat(32) }, /identity: expected one under a layer/],
  ['a flat clone', { ...good, base: `base-${'1'.repeat(32)}` }, /base: expected the image without a layer/],
  [
    'one file twice',
    { ...good, identity, top: '2'.repeat(32), chain: [{ file, identity }] },
    /expected every file once/,
  ],
  [
    'another image in the chain',
    { ...good, identity, top: '1'.repeat(32), chain: [{ file: `base-${'1'.repeat(32)}`, identity }] },
    /chain: expected layers/,
  ],
  ['a way out of the folder', { ...good, base: '../../etc/passwd' }, /base: expected image, base- or layer-/],
])('a HEAD with %s is never written', (_, head, message) => {
  expect(() => encodeSealed(headShape, head)).toThrow(message);
});

test('a HEAD is read as it was written', () => {
  const head: Head = { ...good, identity, top: '1'.repeat(32), chain: [{ file, identity }] };
  expect(decodeSealed(headShape, encodeSealed(headShape, head), 'x')).toEqual(head);
});
