// SPDX-License-Identifier: BSD-2-Clause
/**
 * A whole Debian at work while it is snapshotted, suspended and resumed again and again: nothing it does goes wrong, and
 * its disk is sound at every one of these moments. Uses dist; TSBHYVE_CYCLES says how often (200 for a long run).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DebianImage } from '../../scripts/debian-image/image.js';
import { endRuns } from '../cli/support/run.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { DebianGuest, debianImage, diskOf } from './support/debian-guest.js';
import { checkDiskOf, command, snapshot, suspend } from './support/debian-saves.js';
import { checkFileSystem } from './support/disk-image.js';
import { KINDS, roundsOf, startLoad, stopLoad } from './support/load.js';
import { Streams } from './support/streams.js';
import { canTap, TapHost } from './support/tap-host.js';

const CYCLES = Number(process.env.TSBHYVE_CYCLES ?? 6);
/** With more, whoever waits hears how far it is. */
const FEW = 10;
/** Cycles after which every kind of work has to have got ahead. Not each: that takes most of a minute. */
const CYCLES_BETWEEN_ROUNDS = 10;
/** The guest works so long at most before it is saved elsewhere in its work. */
const SECONDS_OF_WORK = 4;
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

/** Until every kind of work has gone round once more, and data has moved. */
async function goOn(guest: DebianGuest, streams: Streams | null): Promise<void> {
  const before = await roundsOf(guest);
  await streams?.goOn(guest);
  for (;;) {
    await guest.ask('sleep 1');
    const now = await roundsOf(guest);
    if (KINDS.every((kind) => (now.get(kind) ?? 0) > (before.get(kind) ?? 0))) return;
  }
}

/** The peer of these connections lives on, whatever becomes of the guest, so they have to. */
async function streamsOver(guest: DebianGuest, tap: TapHost): Promise<Streams> {
  const network = `[Match]\nType=ether\n[Network]\nAddress=${tap.guest}/24\n`;
  await guest.ask(`mkdir -p /run/systemd/network; printf '${network}' > /run/systemd/network/00-tap.network`);
  await guest.ask(`networkctl reload; until ping -c 1 -W 1 ${tap.host} > /dev/null; do sleep 0.2; done`);
  // There has to be something left of the processor for the others.
  return Streams.start(guest, { host: tap.host, rate: '4M' });
}

/** What this cycle of all that were run is, for whoever waits for hundreds. */
function report(cycle: number, what: string): void {
  if (CYCLES > FEW) process.stderr.write(`cycle ${cycle + 1} of ${CYCLES}: ${what}\n`);
}

test(`saved ${CYCLES} times under load${canTap ? '' : ', without a network'} (seed ${seed})`, async () => {
  const random = randomNumbers(seed);
  const store = join(folder, 'store');
  const disk = await diskOf(image);
  const tap = canTap ? new TapHost(`tsl${process.pid % 100_000}`, 9) : null;
  let streams: Streams | null = null;
  try {
    const card = tap === null ? [] : ['-s', `5,virtio-net,tap=${tap.name}`];
    let guest = DebianGuest.boot({ image, disk, words: ['-m', '512M', '--store', store, ...card] });
    await guest.login();
    if (tap !== null) streams = await streamsOver(guest, tap);
    await startLoad(guest);
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      if (cycle % CYCLES_BETWEEN_ROUNDS === 0) await goOn(guest, streams);
      else await guest.ask(`sleep ${(SECONDS_OF_WORK * random()).toFixed(2)}`);
      if (random() < 0.4) {
        const name = await snapshot(guest);
        report(cycle, name);
        checkDiskOf(name, disk, folder);
        command('snapshot', 'rm', name, '--store', store);
      } else {
        const name = await suspend(guest);
        report(cycle, name);
        checkDiskOf(null, disk, folder);
        guest = DebianGuest.resume({}, '--store', store, '-r', name);
      }
    }
    await goOn(guest, streams);
    expect(await streams?.stop(guest)).toBe(streams === null ? undefined : '');
    expect(await stopLoad(guest)).toBe('');
    expect(await guest.ask('systemctl --failed --plain --no-legend')).toBe('');
    expect(await guest.powerOff()).toBe(POWERED_OFF);
  } finally {
    streams?.close();
    endRuns();
    tap?.close();
  }
  const flat = join(folder, 'flat.img');
  command('disk', 'export', disk, flat);
  checkFileSystem(flat);
});

test('iperf3 goes on through snapshots, in both directions', async () => {
  const store = join(folder, 'store');
  const disk = await diskOf(image);
  const words = ['-m', '512M', '--store', store, '-s', '5,virtio-net,slirp'];
  const guest = DebianGuest.boot({ image, disk, words });
  await guest.login();
  await guest.ask('until ip -4 route | grep -q ^default; do sleep 0.2; done');
  const streams = await Streams.start(guest, { host: '10.0.2.2', rate: '0' });
  try {
    for (let count = 0; count < 6; count += 1) {
      await streams.goOn(guest);
      const saved = await snapshot(guest);
      command('snapshot', 'rm', saved, '--store', store);
    }
    await streams.goOn(guest);
    expect(await streams.stop(guest)).toBe('');
    expect(await guest.powerOff()).toBe(POWERED_OFF);
  } finally {
    streams.close();
  }
});
