// SPDX-License-Identifier: BSD-2-Clause
/** The command dies while a whole Debian writes: its file system is sound, and has all that was flushed. Uses dist. */
import { endRuns } from '../cli/support/run.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { DebianGuest, debianImage, diskOf } from './support/debian-guest.js';
import { checkCrashedFileSystem, checkFileSystem } from './support/disk-image.js';
import { checkRecords, lastReported, recordIn } from './support/records.js';

const KILLS = Number(process.env.TSBHYVE_KILLS ?? 3);
const MOST_RECORDS = 200;
const POWERED_OFF = 1;
const seed = testSeed();

afterEach(endRuns);

test(`killed ${KILLS} times while it writes (seed ${seed})`, async () => {
  const random = randomNumbers(seed);
  const image = await debianImage();
  const disk = await diskOf(image);
  for (let kill = 0; kill < KILLS; kill += 1) {
    const guest = DebianGuest.boot({ image, disk });
    await guest.login();
    // Work beside it whose loss is nobody's fault, and whose half-done state is the journal's matter.
    await guest.ask(
      'rm -rf /root/*; (while :; do cp -r /usr/lib/python3 /root/copy; rm -r /root/copy; done) 2> /dev/null &',
    );
    guest.type(recordIn('/root'));
    const records = 1 + Math.floor(random() * MOST_RECORDS);
    await guest.expect(`RECORD ${records}\n`);
    guest.run.child.kill('SIGKILL');
    expect((await guest.run.end()).signal).toBe('SIGKILL');
    const crashed = await diskOf({ disk });
    checkCrashedFileSystem(crashed);
    checkRecords(crashed, 'root/', lastReported(guest.console));
  }
  // The disk has been through kills and recoveries of the guest's own.
  const last = DebianGuest.boot({ image, disk });
  await last.login();
  expect(await last.ask('systemctl is-system-running --wait')).toBe('running');
  expect(await last.powerOff()).toBe(POWERED_OFF);
  checkFileSystem(disk);
});
