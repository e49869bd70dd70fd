// SPDX-License-Identifier: BSD-2-Clause
/** Debian on disks behind NBD servers, under both clocks, and on one that is killed over and over. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Guest } from '../../scripts/quickstart/guest.js';
import type { ClockMode } from '../../src/hypervisor/hypervisor.js';
import { endServers, missing, nbdFolder, startDyingNbdkit, startNbdkit, startQemuNbd } from '../support/nbd-servers.js';
import { virtioGuest } from './support/debian-files.js';
import { checkFileSystem, diskImage, fileInImage, md5, withDisk } from './support/disk-image.js';
import { runLinux, typed, virtualClock } from './support/linux-session.js';

const folder = nbdFolder();
const [noNbdkit, noQemu] = [missing('nbdkit'), missing('qemu-nbd', 'qemu-img')];
const CLOCKS: readonly (readonly [string, ClockMode])[] = [
  ['virtual', virtualClock],
  ['real', { kind: 'real' }],
];

let guest: Guest;
beforeAll(async () => {
  guest = await virtioGuest();
});
afterEach(endServers);

/** Copies a file, gives space back, and leaves the disk clean. */
function live(uri: string, clock: ClockMode, digest: string): void {
  const script = [
    typed('mkdir /mnt; mount -t ext4 /dev/vda /mnt; md5sum /mnt/data\n'),
    typed('cp /mnt/data /mnt/copy; sync; echo 3 > /proc/sys/vm/drop_caches; md5sum /mnt/copy\n'),
    typed('rm /mnt/data; fstrim -v /mnt; umount /mnt; dmesg | grep -i error\n'),
    typed('poweroff\n'),
  ];
  const { answers, reason } = runLinux(guest, clock, script, { pci: withDisk(uri, {}, { queues: '2' }) });
  expect(reason).toEqual({ kind: 'power-off' });
  expect(answers[2]).toContain(`${digest}  /mnt/copy`);
  expect(answers[3]).not.toMatch(/I\/O error/);
}

(noNbdkit === null ? test : test.skip).each(CLOCKS)(`nbdkit, %s clock${noNbdkit ?? ''}`, async (clock, mode) => {
  const { path, digest } = diskImage();
  const socket = join(folder, clock);
  await startNbdkit(socket, '--filter=delay', 'file', path, 'rdelay=1ms');
  live(`nbd:unix:${socket}`, mode, digest);
  endServers();
  checkFileSystem(path);
  expect(md5(fileInImage(path, 'copy'))).toBe(digest);
});

(noNbdkit === null ? test : test.skip)(`a server that dies over and over${noNbdkit ?? ''}`, async () => {
  const { path, digest } = diskImage();
  const [socket, deaths] = [join(folder, 'dying'), join(folder, 'deaths')];
  await startDyingNbdkit(socket, deaths, 'file', path);
  live(`nbd:unix:${socket}`, { kind: 'real' }, digest);
  endServers();
  expect(readFileSync(deaths).length).toBeGreaterThan(2);
  checkFileSystem(path);
  expect(md5(fileInImage(path, 'copy'))).toBe(digest);
});

(noQemu === null ? test : test.skip).each(CLOCKS)(`qcow2, %s clock${noQemu ?? ''}`, async (clock, mode) => {
  const { path, digest } = diskImage();
  const [socket, image, back] = ['socket', 'qcow2', 'raw'].map((kind) => join(folder, `${kind}-${clock}`)) as [
    string,
    string,
    string,
  ];
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', path, image]);
  const server = await startQemuNbd(socket, image, '--format', 'qcow2', '--discard', 'unmap');
  live(`nbd+unix:///disk?socket=${socket}`, mode, digest);
  const ended = new Promise((resolve) => server.on('exit', resolve));
  server.kill('SIGTERM');
  await ended;
  execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image, back]);
  checkFileSystem(back);
  expect(md5(fileInImage(back, 'copy'))).toBe(digest);
});
