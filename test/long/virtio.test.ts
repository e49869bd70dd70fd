// SPDX-License-Identifier: BSD-2-Clause
/** Debian's virtio drivers on our devices: a file system on a disk, and random numbers. */
import type { Guest } from '../../scripts/quickstart/guest.js';
import type { ClockMode } from '../../src/hypervisor/hypervisor.js';
import { virtioGuest } from './support/debian-files.js';
import { checkFileSystem, diskImage, fileInImage, md5, withDisk } from './support/disk-image.js';
import { runLinux, typed, virtualClock } from './support/linux-session.js';

const READ = 1;
const COPIED = 2;
const RANDOM = 3;
const INTERRUPTS = 4;
const LOG = 5;

const script = [
  typed('mkdir /mnt; mount -t ext4 /dev/vda /mnt; cat /mnt/hello; md5sum /mnt/data\n'),
  typed('cp /mnt/data /mnt/copy; rm /mnt/data; sync; echo 3 > /proc/sys/vm/drop_caches; md5sum /mnt/copy\n'),
  typed('for n in 1 2; do od -A n -t x1 -N 12 /dev/hwrng; done\n'),
  typed('grep virtio /proc/interrupts; cat /sys/block/vda/serial; fstrim -v /mnt\n'),
  typed('umount /mnt; dmesg -r | grep "^<[0-4]>"\n'),
  typed('poweroff\n'),
];

/** The shell breaks the echo of a long command into lines: what counts stands at the end. */
const lastLines = (answer: string | undefined, count: number): string[] =>
  (answer ?? '').trimEnd().split('\n').slice(-count);

const real: ClockMode = { kind: 'real' };
const cases: readonly (readonly [string, ClockMode, Record<string, string>])[] = [
  ['transitional, virtual clock', virtualClock, {}],
  ['transitional, real clock', real, {}],
  ['legacy as on bhyve', virtualClock, { modern: 'off' }],
  ['legacy with INTx', virtualClock, { modern: 'off', msix: 'off' }],
  ['modern, packed rings', virtualClock, { modern: 'on', packed: 'on' }],
  ['modern, packed rings, real clock', real, { modern: 'on', packed: 'on' }],
];

let guest: Guest;
beforeAll(async () => {
  guest = await virtioGuest();
});

describe.each(cases)('%s', (_, clock, transport) => {
  test('mounts a disk, reads and writes it, and leaves it clean', () => {
    const { path, digest } = diskImage();
    const pci = withDisk(path, transport, { ser: 'DISK-1', queues: '1' });
    const { answers, reason } = runLinux(guest, clock, script, { pci });
    expect(lastLines(answers[READ], 2)).toEqual(['hello from the host', `${digest}  /mnt/data`]);
    expect(lastLines(answers[COPIED], 1)).toEqual([`${digest}  /mnt/copy`]);
    const [first, second] = lastLines(answers[RANDOM], 2);
    expect(first).toMatch(/^( [0-9a-f]{2}){12}$/);
    expect(second).not.toBe(first);
    expect(answers[INTERRUPTS]).toContain(transport.msix === 'off' ? 'virtio0' : 'virtio0-req.0');
    expect(answers[INTERRUPTS]).toContain('DISK-1');
    if (clock.kind === 'virtual')
      expect(lastLines(answers[LOG], 1)).toEqual([expect.stringContaining('umount /mnt; dmesg')]);
    expect(reason).toEqual({ kind: 'power-off' });
    checkFileSystem(path);
    expect(md5(fileInImage(path, 'copy'))).toBe(digest);
  });
});

test('several queues and large sectors', () => {
  const { path, digest } = diskImage();
  const pci = withDisk(path, {}, { queues: '4', sectorsize: '4096' });
  const look = 'ls /sys/block/vda/mq; cat /sys/block/vda/queue/logical_block_size\n';
  const { answers } = runLinux(
    guest,
    virtualClock,
    [typed(look), ...script.slice(0, 2), typed('umount /mnt; poweroff\n')],
    {
      pci,
    },
  );
  expect(lastLines(answers[1], 1)).toEqual(['4096']);
  expect(lastLines(answers[3], 1)).toEqual([`${digest}  /mnt/copy`]);
  checkFileSystem(path);
});

test('a read-only disk is one for the guest too', () => {
  const { path, digest } = diskImage();
  const pci = withDisk(path, {}, { ro: 'on' });
  const tries = [
    typed('cat /sys/block/vda/ro; mkdir /mnt; mount -t ext4 -o ro /dev/vda /mnt; md5sum /mnt/data; touch /mnt/x\n'),
    typed('poweroff\n'),
  ];
  const [, answer] = runLinux(guest, virtualClock, tries, { pci }).answers;
  const [isReadOnly, sum, refusal] = lastLines(answer, 3);
  expect([isReadOnly, sum]).toEqual(['1', `${digest}  /mnt/data`]);
  expect(refusal).toContain('Read-only file system');
});
