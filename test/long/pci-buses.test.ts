// SPDX-License-Identifier: BSD-2-Clause
/** Debian finds devices on other root buses and in shared slots, and gets their interrupts in each way there is. */
import type { Guest } from '../../scripts/quickstart/guest.js';
import type { PciDeviceConfig } from '../../src/machine/config.js';
import { firstDifference } from '../support/proof.js';
import { testSeed } from '../support/random.js';
import { virtioGuest } from './support/debian-files.js';
import { diskImage } from './support/disk-image.js';
import { linuxLife, linuxSubject, UNDISTURBED } from './support/linux-proof.js';
import { runLinux, typed, virtualClock } from './support/linux-session.js';
import { Restarts } from './support/restarts.js';

const seed = testSeed();
/** The drivers are up from about here on. */
const BUSY = 1_200_000_000n;

const script = [
  typed(
    'ls /sys/bus/pci/devices; mkdir /mnt /far; mount -t ext4 -o ro /dev/vda /mnt; mount -t ext4 -o ro /dev/vdb /far\n',
  ),
  typed('md5sum /mnt/data /far/data; grep virtio /proc/interrupts; od -A n -t x1 -N 4 /dev/hwrng\n'),
  typed('umount /mnt /far; dmesg -r | grep "^<[0-3]>"; poweroff\n'),
];

function spread(path: string, far: string): PciDeviceConfig[] {
  const disk = (image: string) => ({ kind: 'virtio-blk', options: { path: image, ro: 'on' } });
  return [
    { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
    { slot: 31, fn: 0, kind: 'lpc', options: {} },
    { bus: 1, slot: 3, fn: 0, ...disk(path) },
    { bus: 1, slot: 3, fn: 5, kind: 'virtio-rnd', options: {} },
    { bus: 0xc8, slot: 31, fn: 0, ...disk(far) },
  ];
}

let guest: Guest;
beforeAll(async () => {
  guest = await virtioGuest();
});

test.each([
  ['MSI-X', '', /PCI-MSI.*virtio0-req/],
  ['INTx over the I/O APIC', 'pci=nomsi', /IO-APIC +17-fasteoi +virtio0\n/],
  ['INTx over the 8259s', 'pci=nomsi noapic', /XT-PIC +virtio0/],
])('%s', (_, words, interrupt) => {
  const [near, far] = [diskImage(), diskImage()];
  const boot = { ...guest, commandLine: `console=ttyS0 ${words}` };
  const { answers, reason } = runLinux(guest, virtualClock, script, { boot, pci: spread(near.path, far.path) });
  expect(answers[1]).toMatch(/0000:00:00\.0 +0000:00:1f\.0 +0000:01:03\.0 +0000:01:03\.5 +0000:c8:1f\.0\n/);
  expect(answers[2]).toContain(`${near.digest}  /mnt/data\n${far.digest}  /far/data`);
  expect(answers[2]).toMatch(interrupt);
  expect(answers[2]).toMatch(/( [0-9a-f]{2}){4}\n$/);
  expect(answers[0]).toContain('ACPI: PCI Root Bridge [PC01] (domain 0000 [bus 01-c7])');
  expect(answers[0]).not.toMatch(/no compatible bridge window|can't claim|failed to assign/);
  expect(reason).toEqual({ kind: 'power-off' });
});

test(`saved and restored all the time, it lives the same life (seed ${seed})`, () => {
  const [near, far] = [diskImage(), diskImage()];
  const boot = { ...guest, commandLine: 'console=ttyS0 pci=nomsi' };
  const subject = linuxSubject(guest, { script, config: { boot, pci: spread(near.path, far.path) } });
  const whole = linuxLife(subject, UNDISTURBED);
  expect(whole.console).toContain(`${far.digest}  /far/data`);
  const restarts = new Restarts({ seed, first: BUSY, mean: 5_000_000 });
  const disturbed = linuxLife(subject, restarts);
  expect(restarts.count).toBeGreaterThan(20);
  expect(firstDifference(whole, disturbed)).toBeNull();
});
