// SPDX-License-Identifier: BSD-2-Clause
/** A guest at work on a disk lives the same life to the last bit, however late the host is and however often it is saved. */
import { readFileSync } from 'node:fs';
import { MemoryDisk } from '../support/memory-disk.js';
import { type Evidence, firstDifference } from '../support/proof.js';
import { testSeed } from '../support/random.js';
import { virtioGuest } from './support/debian-files.js';
import { diskImage, md5, withDisk } from './support/disk-image.js';
import { type Disturbance, linuxLife, linuxSubject, UNDISTURBED } from './support/linux-proof.js';
import { typed } from './support/linux-session.js';
import { Restarts } from './support/restarts.js';

const seed = testSeed();
/** The drivers are up and the disk is at work from about here on. */
const BUSY = 1_300_000_000n;

const script = [
  typed('mkdir /mnt; mount -t ext4 /dev/vda /mnt; md5sum /mnt/data; od -A n -t x1 -N 64 /dev/hwrng\n'),
  typed('cp /mnt/data /mnt/copy & cat /mnt/data > /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches\n'),
  typed('md5sum /mnt/copy; umount /mnt; poweroff\n'),
];

interface Life {
  readonly evidence: Evidence;
  readonly disk: string;
}

describe.each([
  ['split rings', {}],
  ['packed rings', { modern: 'on', packed: 'on' }],
  ['the legacy interface', { modern: 'off' }],
])('%s', (_, transport) => {
  const image = diskImage();
  const original = readFileSync(image.path);
  let live: (disturbance: Disturbance, late?: boolean) => Life;
  let whole: Life;

  beforeAll(async () => {
    const guest = await virtioGuest();
    live = (disturbance, late = false) => {
      const bytes = Uint8Array.from(original);
      const subject = linuxSubject(guest, {
        script,
        config: { pci: withDisk(image.path, transport) },
        devices: { openDisk: () => new MemoryDisk(bytes, { late }) },
      });
      return { evidence: linuxLife(subject, disturbance), disk: md5(bytes) };
    };
    whole = live(UNDISTURBED);
  });

  const expectSame = ({ evidence, disk }: Life): void => {
    expect(firstDifference(whole.evidence, evidence)).toBeNull();
    expect(disk).toBe(whole.disk);
  };

  test('lives as the script says', () => {
    expect(whole.evidence.console).toContain(`${image.digest}  /mnt/copy`);
    expect(whole.evidence.stop).toBe('{"kind":"power-off"}');
    expect(whole.disk).not.toBe(md5(original));
  });

  test('a host that is late makes VM time stand still', () => {
    expectSame(live(UNDISTURBED, true));
  });

  test.each([false, true])(
    `saving and restoring at random times changes nothing (late host: %s, seed ${seed})`,
    (late) => {
      const restarts = new Restarts({ seed, first: BUSY, mean: 4_000_000 });
      expectSame(live(restarts, late));
      expect(restarts.count).toBeGreaterThan(50);
    },
  );
});
