// SPDX-License-Identifier: BSD-2-Clause
/** What a guest's server asks of the host, on a folder that somebody else changes at the same time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostFolder } from '../../../src/host/folder/host-folder.js';
import { nativeHostfs } from '../../../src/hypervisor/hostfs.js';
import { sandbox } from '../../support/ninep-client.js';

test.each([
  ['/no/such/folder', 'folder /no/such/folder: cannot share it: there is none'],
  ['/etc/hostname', 'folder /etc/hostname: cannot share it: it is not a folder'],
])('%s cannot be shared', (path, message) => {
  expect(() => new HostFolder(path, nativeHostfs())).toThrow(message);
});

test('paths that lead out are refused by the last layer too', () => {
  const { share } = sandbox();
  const folder = new HostFolder(share, nativeHostfs());
  for (const path of ['..', '../secret', 'sub/../../secret', '/etc/passwd', 'sub//data', './hello', 'a\0b', 'sub/']) {
    expect(folder.stat(path)).toBe(-22);
    expect(folder.open(path, 0)).toBe(-22);
    expect(folder.rename('hello', path)).toBe(-22);
    expect(folder.remove(path, false)).toBe(-22);
  }
  expect(folder.stat('n'.repeat(5000))).toBe(-36);
  expect(folder.stat('out/secret')).toBe(-20);
  expect(folder.open('up/secret', 0)).toBe(-20);
  expect(folder.create('out/new', 0o2, 0o644)).toBe(-20);
  expect(folder.open('out', 0)).toBe(-6);
  folder.close();
  folder.close();
  expect(existsSync(join(share, 'hello'))).toBe(true);
});

test('a name that is a folder and a link by turns never leads out', async () => {
  const { outside, share } = sandbox();
  mkdirSync(join(outside, 'prey'));
  writeFileSync(join(outside, 'prey/data'), 'secret\n');
  const prey = JSON.stringify(join(outside, 'prey'));
  const flicker = `
    const { renameSync, mkdirSync, writeFileSync, symlinkSync, rmSync } = require('node:fs');
    process.chdir(${JSON.stringify(share)});
    mkdirSync('real'); writeFileSync('real/data', 'share\\n');
    symlinkSync(${prey}, 'fake');
    console.log('ready');
    for (;;) {
      renameSync('real', 'door'); renameSync('door', 'real');
      renameSync('fake', 'door'); renameSync('door', 'fake');
    }`;
  const other = spawn(process.execPath, ['-e', flicker], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(other.stdout, 'data');
  const folder = new HostFolder(share, nativeHostfs());
  const text = new Uint8Array(7);
  let reads = 0;
  for (let turn = 0; turn < 50_000 || reads === 0; turn += 1) {
    const handle = folder.open('door/data', 0o2);
    if (handle < 0) continue;
    expect(folder.read(handle, 0n, text)).toBe(6);
    expect(Buffer.from(text.subarray(0, 6)).toString()).toBe('share\n');
    folder.closeFile(handle);
    folder.create(`door/new${turn}`, 0o2, 0o600);
    reads += 1;
  }
  other.kill('SIGKILL');
  await once(other, 'exit');
  folder.close();
  expect(readdirSync(join(outside, 'prey'))).toEqual(['data']);
  expect(readFileSync(join(outside, 'prey/data'), 'utf8')).toBe('secret\n');
});

test('names are bytes, whatever they mean', () => {
  const { share } = sandbox();
  const folder = new HostFolder(share, nativeHostfs());
  const name = '\xff\xfe \xe9';
  folder.closeFile(folder.create(name, 0o2, 0o644));
  expect(readdirSync(share, 'buffer').some((found) => found.toString('latin1') === name)).toBe(true);
  expect(folder.symlink('soft', name)).toBe(0);
  expect(folder.readLink('soft')).toBe(name);
  expect(folder.remove(name, false)).toBe(0);
  folder.close();
});

test('a folder that moved on the host is still the shared one', () => {
  const { outside, share } = sandbox();
  const folder = new HostFolder(share, nativeHostfs());
  renameSync(share, join(outside, 'elsewhere'));
  symlinkSync('/', share);
  expect(folder.stat('hello')).toMatchObject({ size: 6n });
  expect(folder.stat('etc')).toBe(-2);
  folder.close();
});

test('tells how full the file system is', () => {
  const { share } = sandbox();
  const folder = new HostFolder(share, nativeHostfs());
  expect(folder.space()).toMatchObject({ nameLength: 255, blockSize: expect.any(Number), blocks: expect.any(BigInt) });
  folder.close();
});
