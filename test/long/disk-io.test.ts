// SPDX-License-Identifier: BSD-2-Clause
/** Disks whose work is done beside the guest, under the real clock: several queues, every way to the medium, and saves. */
import type { Guest } from '../../scripts/quickstart/guest.js';
import type { DiskThreads, Engine, OpenEngine } from '../../src/hypervisor/hypervisor.js';
import { openNativeEngine } from '../../src/hypervisor/native.js';
import { buildMachine } from '../../src/machine/build.js';
import type { Machine } from '../../src/machine/machine.js';
import { sleepIdle } from '../../src/machine/run.js';
import { restore, save } from '../support/proof.js';
import { virtioGuest } from './support/debian-files.js';
import { checkFileSystem, diskImage, fileInImage, md5, withDisk } from './support/disk-image.js';
import { runLinux, typed } from './support/linux-session.js';

const MIB = 1024 * 1024;
const COPIES = [1, 2, 3, 4];

let guest: Guest;
beforeAll(async () => {
  guest = await virtioGuest();
});

const copy = COPIES.map((number) => `cp /mnt/data /mnt/copy${number} &`).join(' ');

test.each<[string, Record<string, string>]>([
  ['four queues', { queues: '4' }],
  ['every write on the medium', { direct: 'on', queues: '2' }],
  ['past the cache', { nocache: 'on', queues: '2' }],
  ['past the cache, every write on the medium', { nocache: 'on', direct: 'on', modern: 'on', packed: 'on' }],
])('copies at the same time: %s', (_, options) => {
  const { path, digest } = diskImage();
  const script = [
    typed('mkdir /mnt; mount -t ext4 /dev/vda /mnt; md5sum /mnt/data\n'),
    typed(`${copy} wait; sync; echo 3 > /proc/sys/vm/drop_caches; md5sum /mnt/copy*\n`),
    typed('rm /mnt/copy1; fstrim -v /mnt; umount /mnt; dmesg | grep -i error\n'),
    typed('poweroff\n'),
  ];
  const { answers, reason } = runLinux(guest, { kind: 'real' }, script, { pci: withDisk(path, {}, options) });
  expect(reason).toEqual({ kind: 'power-off' });
  for (const number of COPIES) expect(answers[2]).toContain(`${digest}  /mnt/copy${number}`);
  expect(answers[3]).not.toMatch(/I\/O error|Buffer I\/O/);
  checkFileSystem(path);
  for (const number of COPIES.slice(1)) expect(md5(fileInImage(path, `copy${number}`))).toBe(digest);
});

/** A host that begins with a request only after the guest has run on for a while, or when somebody waits for it. */
function lateHost(openedEngines: Engine[]): OpenEngine {
  const SLICES_LATE = 3;
  return (options) => {
    const engine = openNativeEngine('soft', options);
    openedEngines.push(engine);
    const { events, disks } = engine;
    if (events === null || disks === null) throw new Error('the engine does no disk I/O');
    const held: { start: () => void; after: number }[] = [];
    const release = (isDue: (after: number) => boolean): void => {
      while (held[0] !== undefined && isDue(held[0].after)) held.shift()?.start();
    };
    let takes = 0;
    const late: DiskThreads = {
      readCached: () => false,
      submit: (...request) => {
        held.push({ start: () => void disks.submit(...request), after: takes + SLICES_LATE });
        return true;
      },
    };
    const eager = Object.create(events, {
      take: {
        value: (source?: number) => {
          takes += 1;
          release((after) => after <= takes);
          return events.take(source);
        },
      },
      waitFor: {
        value: (source: number, milliseconds: number) => {
          release(() => true);
          return events.waitFor(source, milliseconds);
        },
      },
      // While something is held, nobody would end the sleep.
      wait: { value: (seen: number, milliseconds: number) => events.wait(seen, held.length > 0 ? 1 : milliseconds) },
    });
    return Object.create(engine, { disks: { value: late }, events: { value: eager } }) as Engine;
  };
}

test('a machine is saved and restored again and again while its disk is at work', () => {
  const SAVES = 40;
  const ROUNDS = 6;
  const { path, digest } = diskImage();
  const read = `for k in ${COPIES.join(' ')}; do md5sum /mnt/data & done; wait; echo 3 > /proc/sys/vm/drop_caches`;
  const script = [
    typed('mkdir /mnt; mount -t ext4 -o ro /dev/vda /mnt; echo mounted\n'),
    typed(`n=0; while [ $n -lt ${ROUNDS} ]; do ${read}; n=$((n+1)); done; dmesg | grep -c "I/O error"\n`),
    typed('poweroff\n'),
  ];
  const output: number[] = [];
  const engines: Engine[] = [];
  const build = (): Machine =>
    buildMachine(
      {
        memory: 128 * MIB,
        clock: { kind: 'real' },
        boot: { ...guest, commandLine: 'console=ttyS0' },
        scripts: { com1: script },
        pci: withDisk(path, {}, { ro: 'on', queues: '4' }),
      },
      { openEngine: lateHost(engines), outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits: true },
    );
  const text = (): string => Buffer.from(output).toString('latin1');
  let machine = build();
  let saves = 0;
  let isMounted = false;
  try {
    machine.powerOn();
    machine.resume();
    for (let slices = 0; ; slices += 1) {
      const seen = machine.parts.events.wakes;
      const end = machine.runSlice();
      if (end === 'stopped') break;
      if (end === 'idle') sleepIdle(machine, seen);
      if (saves >= SAVES || slices % 5 !== 0 || !machine.hostIsAtWork) continue;
      isMounted ||= text().includes('mounted\r');
      if (!isMounted) continue;
      machine.pause();
      expect(machine.hostIsAtWork).toBe(false);
      const saved = save(machine, output);
      machine.close();
      machine = build();
      restore(machine, saved);
      machine.resume();
      saves += 1;
    }
    expect(machine.stopReason).toEqual({ kind: 'power-off' });
  } finally {
    machine.close();
  }
  expect(saves).toBe(SAVES);
  const sums = text().match(/[0-9a-f]{32} {2}\/mnt\/data/g);
  expect(sums).toEqual(Array.from({ length: ROUNDS * COPIES.length }, () => `${digest}  /mnt/data`));
  expect(text()).toMatch(/\r\n0\r\n/);
});
