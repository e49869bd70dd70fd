// SPDX-License-Identifier: BSD-2-Clause
/** A Debian with chrony, suspended for an hour of the host's time: its date is right soon after. Uses dist. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endRuns } from '../cli/support/run.js';
import { DebianGuest, debianImage, diskOf } from './support/debian-guest.js';
import { suspend } from './support/debian-saves.js';
import { NtpServer } from './support/ntp-server.js';

const HOUR = 3600;
/** Seconds of the guest's. */
const MINUTE = 60;
const CLOSE = 3;

let folder = '';
let server: NtpServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-clock-'));
  server = await NtpServer.start();
});
afterEach(() => {
  endRuns();
  server.close();
  rmSync(folder, { recursive: true });
});

/** What the command takes for the host's time, on all its threads. */
function hourLater(): Record<string, string> {
  const script = join(folder, 'hour-later.cjs');
  writeFileSync(script, `const now = Date.now; Date.now = () => now() + ${HOUR * 1000};\n`);
  return { NODE_OPTIONS: `--require ${script}` };
}

test('chrony has put it right within a minute', async () => {
  const image = await debianImage();
  const disk = await diskOf(image);
  const store = ['--store', join(folder, 'store')];
  const words = ['-m', '512M', ...store, '-s', '5,virtio-net,slirp', '--guest-clock', 'advance'];
  const guest = DebianGuest.boot({ image, disk, words });
  await guest.login();
  const source = `server 10.0.2.2 port ${server.port} iburst`; // as the image has its pool
  await guest.ask(`echo '${source}' > /etc/chrony/sources.d/test.sources; chronyc reload sources`);
  await guest.ask('chronyc waitsync 0 0 0 1');
  expect(Math.abs(Number(await guest.ask('date +%s')) - server.now())).toBeLessThan(CLOSE);
  const name = await suspend(guest);

  server.shift = HOUR;
  const resumed = DebianGuest.resume({ environment: hourLater() }, ...store, '-r', name);
  const rtc = Number(await resumed.ask('cat /sys/class/rtc/rtc0/since_epoch'));
  expect(Math.abs(rtc - server.now())).toBeLessThan(MINUTE);
  const start = Number(await resumed.ask('cut -d . -f 1 /proc/uptime'));
  for (let date = 0; !(Math.abs(date - server.now()) <= CLOSE); ) {
    const [uptime = 0, now = 0] = (await resumed.ask('sleep 1; cut -d . -f 1 /proc/uptime; date +%s'))
      .split('\n')
      .map(Number);
    date = now;
    expect(uptime - start).toBeLessThan(MINUTE);
  }
});
