// SPDX-License-Identifier: BSD-2-Clause
/** A whole Debian on a virtio disk under the host's clock: what a person would try first. Uses dist. */
import type { DebianImage } from '../../scripts/debian-image/image.js';
import { endRuns, Run, runFolder } from '../cli/support/run.js';
import { DebianGuest, debianImage, diskOf } from './support/debian-guest.js';
import { checkFileSystem } from './support/disk-image.js';

const [REBOOTED, POWERED_OFF] = [0, 1];
/** Seconds that a guest's clocks may differ from the host's here: its date has been read before the answer comes. */
const SOME_SECONDS = 30;

let image: DebianImage;
beforeAll(async () => {
  image = await debianImage();
});
afterEach(endRuns);

test('boots, works and powers off', async () => {
  const disk = await diskOf(image);
  const guest = DebianGuest.boot({ image, disk });
  await guest.login();
  expect(await guest.ask('systemctl is-system-running --wait')).toBe('running');
  expect(await guest.ask('systemctl --failed --plain --no-legend')).toBe('');
  const warnings = (await guest.ask("dmesg -r | grep '^<[0-4]>'")).split('\n');
  // Debian's own device-mapper says so everywhere.
  expect(warnings.filter((line) => !/ IMA /.test(line)).join('')).toBe('');

  const now = Number(await guest.ask('date +%s'));
  expect(Math.abs(now - Date.now() / 1000)).toBeLessThan(SOME_SECONDS);
  const times = await guest.ask('timedatectl show -p NTP; timedatectl');
  expect(times).toContain('NTP=yes');
  const [rtc, date] = ['RTC time', 'Universal time'].map((name) => dateIn(times, name));
  expect(Math.abs((rtc ?? 0) - (date ?? 0))).toBeLessThan(SOME_SECONDS);

  expect(await guest.ask('cat /sys/class/misc/hw_random/rng_current')).toBe('virtio_rng.0');
  const random = (await guest.ask('for n in 1 2; do head -c 12 /dev/hwrng | od -A n -t x1; done')).split('\n');
  expect(random[0]).toMatch(/^( [0-9a-f]{2}){12}$/);
  expect(random[1]).not.toBe(random[0]);

  expect(await guest.ask('findmnt -n -o SOURCE,FSTYPE /')).toMatch(/^\/dev\/vda +ext4$/);
  expect(await guest.ask('python3 -c "print(6 * 7)"; sqlite3 :memory: "select 6 * 7"')).toBe('42\n42');
  expect(await guest.powerOff()).toBe(POWERED_OFF);
  checkFileSystem(disk);
});

/** Seconds since 1970 of `   RTC time: Sat 2026-11-28 18:54:24`. */
function dateIn(text: string, name: string): number {
  const [, date = ''] = new RegExp(`${name}: \\w+ ([-\\d]+ [:\\d]+)`).exec(text) ?? [];
  return Date.parse(`${date} UTC`) / 1000;
}

test('the power button ends it in order', async () => {
  const [disk, folder] = [await diskOf(image), runFolder()];
  const guest = DebianGuest.boot({ image, disk, runFolder: folder });
  await guest.login();
  await guest.ask('head -c 3000000 /dev/urandom > /root/data'); // not synced by anybody
  const button = new Run({ program: 'dist/src/cli/ctl/main.js', runFolder: folder }, '--vm=debian', '--power-button');
  expect((await button.end()).status).toBe(0);
  expect((await guest.run.end()).status).toBe(POWERED_OFF);
  expect(guest.console).toContain('reboot: Power down');
  checkFileSystem(disk);
});

test('reboots, and finds what it wrote', async () => {
  const disk = await diskOf(image);
  const first = DebianGuest.boot({ image, disk });
  await first.login();
  const sum = await first.ask('head -c 3000000 /dev/urandom > /root/data; md5sum /root/data');
  first.type('reboot\n');
  expect((await first.run.end()).status).toBe(REBOOTED);
  checkFileSystem(disk);
  const second = DebianGuest.boot({ image, disk });
  await second.login();
  expect(await second.ask('md5sum /root/data')).toBe(sum);
  expect(await second.powerOff()).toBe(POWERED_OFF);
  checkFileSystem(disk);
});
