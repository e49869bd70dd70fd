// SPDX-License-Identifier: BSD-2-Clause
/** Debian's balloon driver on our device: pages go to the host and come back, and snapshots are the smaller for it. */
import type { Guest } from '../../scripts/quickstart/guest.js';
import { balloonStats, refreshBalloon, setBalloon } from '../../src/machine/balloon.js';
import { buildMachine } from '../../src/machine/build.js';
import { DEFAULT_CONFIG, type PciDeviceConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { type Evidence, firstDifference } from '../support/proof.js';
import { testSeed } from '../support/random.js';
import { vsockGuest } from './support/debian-files.js';
import { LinuxConsole } from './support/linux-console.js';
import { type Disturbance, linuxLife, linuxSubject, UNDISTURBED } from './support/linux-proof.js';
import { typed, virtualClock } from './support/linux-session.js';
import { Restarts } from './support/restarts.js';

const MIB = 1024 * 1024;
const MEMORY = 192 * MIB;
const seed = testSeed();
/** The driver is up from about here on. */
const BUSY = 1_500_000_000n;
const TRANSPORTS: readonly (readonly [string, Record<string, string>])[] = [
  ['split rings', {}],
  ['packed rings', { modern: 'on', packed: 'on' }],
  ['the legacy interface', { modern: 'off' }],
];

const balloon = (options: Record<string, string>): PciDeviceConfig[] => [
  ...DEFAULT_CONFIG.pci,
  { slot: 6, fn: 0, kind: 'virtio-balloon', options },
];

let guest: Guest;
beforeAll(async () => {
  guest = await vsockGuest();
});

/** Bytes of a full snapshot of the machine as it is. */
function sizeOf(machine: Machine, store: SnapshotStore, name: string): number {
  machine.pause();
  saveMachine(machine, store, name);
  machine.resume();
  return store.open(name).manifest.ram.stored;
}

describe.each(TRANSPORTS)('%s', (_, transport) => {
  let machine: Machine;
  let console: LinuxConsole;
  let store: SnapshotStore;
  const actual = (): number => (balloonStats(machine)?.actual ?? 0) / MIB;
  const free = (): number => Number(console.ask(machine, 'grep MemFree /proc/meminfo')[0]?.match(/\d+/)?.[0]) / 1024;
  /** Memory that the guest has used and has no use for any more. */
  const dirty = (): string[] => console.ask(machine, 'for n in $(seq 30); do cat /bin/busybox; done > /big; rm /big');

  function start(options: Record<string, string>): void {
    store = temporaryStore();
    console = new LinuxConsole();
    machine = buildMachine(
      {
        memory: MEMORY,
        clock: virtualClock,
        boot: { ...guest, commandLine: 'console=ttyS0' },
        pci: balloon({ ...transport, ...options }),
      },
      console.host,
    );
    machine.powerOn();
    machine.resume();
    console.untilPrompt(machine);
  }
  afterEach(() => machine.close());

  test('the guest gives what it is asked for, and takes it back', () => {
    start({ size: '16M', reporting: 'off' });
    console.ask(machine, 'sleep 1');
    expect(actual()).toBe(16);
    dirty();
    const [before, freeBefore] = [sizeOf(machine, store, 'before'), free()];
    setBalloon(machine, 96 * MIB);
    console.ask(machine, 'sleep 3');
    expect(actual()).toBe(96);
    expect(freeBefore - free()).toBeGreaterThan(70);
    expect(before - sizeOf(machine, store, 'after')).toBeGreaterThan(40 * MIB);

    // What was restored gives pages of the file, and gets zeros for them.
    machine.close();
    machine = loadMachine(store, 'before', { host: console.host }).machine;
    machine.resume();
    setBalloon(machine, 96 * MIB);
    console.ask(machine, 'sleep 3');
    expect(actual()).toBe(96);
    expect(before - sizeOf(machine, store, 'again')).toBeGreaterThan(40 * MIB);
    setBalloon(machine, 0);
    console.ask(machine, 'sleep 3');
    expect(actual()).toBe(0);
    expect(
      console.ask(machine, 'head -c 60000000 /dev/zero > /big; md5sum /big; rm /big; dmesg -r | grep "^<[0-4]>"'),
    ).toEqual(['69a4609e44d2a5c940a9cd3ac301bc8c  /big']);
  });

  test('a guest that tells of free pages makes snapshots smaller without being asked', () => {
    start({});
    dirty();
    const before = sizeOf(machine, store, 'before');
    console.ask(machine, 'sleep 10');
    // The guest tells of whole blocks of 2 MiB, and keeps some for the next who needs memory.
    expect(before - sizeOf(machine, store, 'after')).toBeGreaterThan(28 * MIB);
  });

  test(`saving and restoring at random times changes nothing (seed ${seed})`, () => {
    const script = [
      typed(
        'for n in 1 2 3 4 5 6 7 8; do cat /bin/busybox; done > /big; md5sum /big; rm /big; sleep 5; head -c 20000000 /dev/zero | md5sum\n',
      ),
      typed('dmesg -r | grep "^<[0-4]>"; poweroff\n'),
    ];
    const live = (disturbance: Disturbance): Evidence =>
      linuxLife(linuxSubject(guest, { script, config: { pci: balloon({ ...transport, size: '24M' }) } }), disturbance);
    const whole = live(UNDISTURBED);
    expect(whole.stop).toBe('{"kind":"power-off"}');
    const restarts = new Restarts({ seed, first: BUSY, mean: 80_000_000 });
    expect(firstDifference(whole, live(restarts))).toBeNull();
    expect(restarts.count).toBeGreaterThan(20);
    machine = buildMachine({ memory: 2 * MIB });
  });
});

test('a guest is asked about its memory, and answers', () => {
  const console = new LinuxConsole();
  const boot = { ...guest, commandLine: 'console=ttyS0' };
  const machine = buildMachine({ memory: MEMORY, boot, pci: balloon({}) }, console.host);
  try {
    machine.powerOn();
    machine.resume();
    console.untilPrompt(machine);
    const first = balloonStats(machine);
    expect(Number(first?.guest.total)).toBeGreaterThan(100 * MIB);
    expect(refreshBalloon(machine)).toBe(true);
    console.ask(machine, 'true');
    const second = balloonStats(machine);
    expect(Number(second?.guestTime)).toBeGreaterThan(Number(first?.guestTime));
    expect(Number(second?.guest.minorFaults)).toBeGreaterThan(Number(first?.guest.minorFaults));
  } finally {
    machine.close();
  }
});
