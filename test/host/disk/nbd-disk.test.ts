// SPDX-License-Identifier: BSD-2-Clause
/** NBD disks against the servers that Debian has: nbdkit and qemu-nbd. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BlockRequest } from '../../../devices/virtio/block-backend.js';
import type { ImageBackend } from '../../../src/host/disk/image-backend.js';
import { openNbdDisk } from '../../../src/host/disk/nbd-disk.js';
import type { RawDiskOptions } from '../../../src/host/disk/raw-disk.js';
import { endServers, makeQcow2, missing, nbdFolder, startNbdkit, startQemuNbd } from '../../support/nbd-servers.js';
import { ask, bytes, DEFAULTS } from './support/asking.js';

const MIB = 1024 * 1024;
const folder = nbdFolder();
const socket = join(folder, 'socket');
const [noNbdkit, noQemu] = [missing('nbdkit'), missing('qemu-nbd', 'qemu-img')];
const nbdkitTest = noNbdkit === null ? test : test.skip;
const qemuTest = noQemu === null ? test : test.skip;
const opened: ImageBackend[] = [];

afterEach(() => {
  for (const disk of opened.splice(0)) disk.close();
  endServers();
});

function open(options: Partial<RawDiskOptions> = {}): ImageBackend {
  const disk = openNbdDisk({ path: `nbd:unix:${socket}`, ...DEFAULTS, ...options });
  opened.push(disk);
  return disk;
}

/** Everything that a guest asks for. */
function exercise(disk: ImageBackend): void {
  const half = 3 * MIB;
  const memory = [bytes(512, 1), bytes(half - 512, 2)];
  expect(ask(disk, { kind: 'write', offset: 4096, durable: false, memory, length: half })).toBe('ok');
  const back = [bytes(4096, 0), bytes(half - 4096, 0)];
  expect(ask(disk, { kind: 'read', offset: 4096, memory: back, length: half })).toBe('ok');
  expect(Buffer.concat(back).equals(Buffer.concat(memory))).toBe(true);
  expect(ask(disk, { kind: 'zero', offset: MIB, length: MIB, unmap: true, durable: true })).toBe('ok');
  expect(ask(disk, { kind: 'discard', offset: 3 * MIB, length: MIB, durable: false })).toBe('ok');
  expect(ask(disk, { kind: 'flush' })).toBe('ok');
  const zeroed = bytes(MIB, 9);
  expect(ask(disk, { kind: 'read', offset: MIB, memory: [zeroed], length: MIB })).toBe('ok');
  expect(zeroed.every((byte) => byte === 0)).toBe(true);
}

nbdkitTest(`a disk in memory${noNbdkit ?? ''}`, async () => {
  await startNbdkit(socket, 'memory', '8M');
  const disk = open();
  expect(disk).toMatchObject({ capacity: 8 * MIB, readOnly: false, canDiscard: true, identity: '' });
  exercise(disk);
});

nbdkitTest(`durable writes, on a server without structured replies and zeroing${noNbdkit ?? ''}`, async () => {
  await startNbdkit(socket, '--no-sr', '--filter=nozero', 'memory', '8M');
  const disk = open({ sync: true });
  exercise(disk);
});

nbdkitTest(`errors of the server are the guest’s, one by one${noNbdkit ?? ''}`, async () => {
  const broken = join(folder, 'broken');
  const errors = ['--filter=error', 'memory', '8M', 'error=ENOSPC', 'error-rate=100%', `error-file=${broken}`];
  await startNbdkit(socket, ...errors);
  const disk = open();
  const read: BlockRequest = { kind: 'read', offset: 0, memory: [bytes(512, 0)], length: 512 };
  expect(ask(disk, read)).toBe('ok');
  writeFileSync(broken, '');
  expect(ask(disk, read)).toBe('error');
});

nbdkitTest(`slow answers${noNbdkit ?? ''}`, async () => {
  await startNbdkit(socket, '--filter=delay', 'memory', '8M', 'rdelay=20ms', 'wdelay=20ms');
  exercise(open());
});

nbdkitTest(`a server that is killed and comes back${noNbdkit ?? ''}`, async () => {
  const file = join(folder, 'file');
  writeFileSync(file, bytes(8 * MIB, 7));
  const server = await startNbdkit(socket, 'file', file);
  const disk = open();
  const memory = [bytes(4096, 5)];
  expect(ask(disk, { kind: 'write', offset: 0, memory, length: 4096, durable: false })).toBe('ok');
  server.kill('SIGKILL');
  await once(server, 'exit');
  await startNbdkit(socket, 'file', file);
  const back = bytes(8192, 0);
  expect(ask(disk, { kind: 'read', offset: 0, memory: [back], length: 8192 })).toBe('ok');
  expect([back[0], back[4095], back[4096]]).toEqual([5, 5, 7]);
  expect(ask(disk, { kind: 'flush' })).toBe('ok');
});

nbdkitTest(`a read-only export${noNbdkit ?? ''}`, async () => {
  await startNbdkit(socket, '--readonly', 'memory', '8M');
  expect(() => open()).toThrow(`disk nbd+unix:///?socket=${socket}: the server lets nobody write to it: add ro`);
  const disk = open({ readOnly: true });
  expect(disk.identity).toBe(`${8 * MIB} bytes of nbd+unix:///?socket=${socket}`);
  const write: BlockRequest = { kind: 'write', offset: 0, memory: [bytes(512, 1)], length: 512, durable: false };
  expect(ask(disk, write)).toBe('error');
});

nbdkitTest(`a server with large blocks needs large sectors${noNbdkit ?? ''}`, async () => {
  const policy = ['blocksize-minimum=4096', 'blocksize-preferred=4096', 'blocksize-maximum=65536'];
  await startNbdkit(socket, '--filter=blocksize-policy', 'memory', '8M', ...policy, 'blocksize-error-policy=error');
  expect(() => open()).toThrow('moves 4096 bytes at least, and a sector has 512: sectorsize=4096 is accepted');
  exercise(open({ logicalBlock: 4096, physicalBlock: 4096 }));
});

nbdkitTest(`too small to be a disk${noNbdkit ?? ''}`, async () => {
  await startNbdkit(socket, 'memory', '511');
  expect(() => open()).toThrow('511 bytes; at least 512 are accepted');
});

qemuTest(`qcow2 through qemu-nbd${noQemu ?? ''}`, async () => {
  const image = join(folder, 'image.qcow2');
  makeQcow2(image, 64 * MIB);
  await startQemuNbd(socket, image, '--format', 'qcow2', '--discard', 'unmap');
  expect(() => open()).toThrow("the server has no export ''");
  exercise(open({ path: `nbd+unix:///disk?socket=${socket}` }));
});

test('what cannot be had is one line', () => {
  expect(() => open({ path: 'nbd:unix:/nonexistent/socket' })).toThrow(
    /^disk nbd\+unix:\/\/\/\?socket=\/nonexistent\/socket: .*No such file or directory$/,
  );
  expect(() => open({ noCache: true })).toThrow('nocache is about caches of this host');
});
