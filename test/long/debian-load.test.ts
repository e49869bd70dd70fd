// SPDX-License-Identifier: BSD-2-Clause
/**
 * A whole Debian at work while it is snapshotted, suspended and resumed again and again: nothing it does goes wrong, and
 * its disk is sound at every one of these moments. Uses dist; TSBHYVE_CYCLES says how often (200 for a long run).
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROMPT } from '../../scripts/debian-image/debian-shell.js';
import type { DebianImage } from '../../scripts/debian-image/image.js';
import { endRuns } from '../cli/support/run.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { DebianGuest, debianImage, diskOf } from './support/debian-guest.js';
import { checkDiskOf, command, snapshot, suspend } from './support/debian-saves.js';
import { checkFileSystem } from './support/disk-image.js';
import { KINDS, roundsOf, startLoad, stopLoad } from './support/load.js';
import { freePort } from './support/ssh.js';

const CYCLES = Number(process.env.TSBHYVE_CYCLES ?? 6);
const POWERED_OFF = 1;
const seed = testSeed();

let folder = '';
let image: DebianImage;
beforeAll(async () => {
  image = await debianImage();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-load-'));
});
afterEach(() => {
  endRuns();
  rmSync(folder, { recursive: true });
});

/** Until every kind of work has gone round once more: what is saved then is saved in the middle of work. */
async function goOn(guest: DebianGuest): Promise<void> {
  const before = await roundsOf(guest);
  for (;;) {
    await guest.ask('sleep 1');
    const now = await roundsOf(guest);
    if (KINDS.every((kind) => (now.get(kind) ?? 0) > (before.get(kind) ?? 0))) return;
  }
}

test(`saved ${CYCLES} times under load (seed ${seed})`, async () => {
  const random = randomNumbers(seed);
  const store = join(folder, 'store');
  const disk = await diskOf(image);
  let guest = DebianGuest.boot({ image, disk, words: ['-m', '512M', '--store', store] });
  await guest.login();
  await startLoad(guest);
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    await goOn(guest);
    if (random() < 0.4) {
      const name = await snapshot(guest);
      checkDiskOf(name, disk, folder);
      command('snapshot', 'rm', name, '--store', store);
    } else {
      const name = await suspend(guest);
      checkDiskOf(null, disk, folder);
      guest = DebianGuest.resume({}, '--store', store, '-r', name);
    }
  }
  await goOn(guest);
  expect(await stopLoad(guest)).toBe('');
  expect(await guest.ask('systemctl --failed --plain --no-legend')).toBe('');
  expect(await guest.powerOff()).toBe(POWERED_OFF);
  const flat = join(folder, 'flat.img');
  command('disk', 'export', disk, flat);
  checkFileSystem(flat);
});

const IPERF = { up: '', down: '-R' };

test('iperf3 goes on through snapshots, in both directions', async () => {
  const port = await freePort();
  const server = spawn('iperf3', ['-s', '-p', String(port)], { stdio: 'ignore' });
  try {
    const store = join(folder, 'store');
    const disk = await diskOf(image);
    const words = ['-m', '512M', '--store', store, '-s', '5,virtio-net,slirp'];
    const guest = DebianGuest.boot({ image, disk, words });
    await guest.login();
    await guest.ask('until ip -4 route | grep -q ^default; do sleep 0.2; done');
    for (const [name, direction] of Object.entries(IPERF)) {
      // One connection throughout: it has to outlive every snapshot.
      guest.type(`iperf3 -c 10.0.2.2 -p ${port} -t 20 ${direction} > ${name}; echo "DONE"=$?\n`);
      for (let count = 0; count < 3; count += 1) {
        const saved = await snapshot(guest);
        command('snapshot', 'rm', saved, '--store', store);
      }
      await guest.expect('DONE=');
      expect(await guest.expect(PROMPT)).toBe('0\n');
      expect(await guest.ask(`grep -c receiver ${name}; grep -i error ${name}`)).toBe('1');
    }
    expect(await guest.powerOff()).toBe(POWERED_OFF);
  } finally {
    server.kill('SIGKILL');
  }
});
