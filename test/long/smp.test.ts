// SPDX-License-Identifier: BSD-2-Clause
/** Debian on two and four vCPUs under the virtual clock: it uses all of them, and its life is the same to the last bit. */
import type { Guest } from '../../scripts/quickstart/guest.js';
import { type Evidence, evidence, firstDifference, type ProofSubject } from '../support/proof.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { cutLife } from './support/cut-life.js';
import { cloudGuest } from './support/debian-files.js';
import { LifeMap } from './support/life-map.js';
import { type Disturbance, linuxLife, linuxSubject, UNDISTURBED } from './support/linux-proof.js';
import { typed } from './support/linux-session.js';
import { MOMENTS, runToMoment } from './support/moments.js';
import { pauses } from './support/restarts.js';

const seed = testSeed();
/** Saved to disk at so many moments of one life. */
const CUTS = 50;

const script = [
  typed('grep -c ^processor /proc/cpuinfo; grep -E "physical id|core id" /proc/cpuinfo; cat /proc/interrupts\n'),
  // All of them at work, and waiting for each other.
  typed('for n in 1 2 3 4 5 6; do md5sum /bin/busybox & done; wait; (yes | head -c 200000 | wc -c) & wait\n'),
  typed('dmesg -r | grep "^<[0-4]>"; echo no more war""nings\n'),
  typed('poweroff\n'),
];

const disturbances: readonly (readonly [string, (random: () => number) => Disturbance])[] = [
  ['nothing', () => UNDISTURBED],
  ['stops at random times', (random) => ({ pause: pauses(random, 100_000), disturb: (machine) => machine })],
  [
    'caches dropped at random times',
    (random) => ({
      pause: pauses(random, 4_000_000),
      disturb: (machine) => {
        machine.parts.engine.dropCaches();
        return machine;
      },
    }),
  ],
  [
    'saving and restoring at random times and at hard ones',
    (random) => ({
      pause: pauses(random, 20_000_000),
      disturb: (machine, restart) => {
        runToMoment(machine, MOMENTS[Math.floor(random() * MOMENTS.length)] ?? 'anywhere');
        return machine.state === 'running' ? restart() : machine;
      },
    }),
  ],
];

const topologies = [
  { cpus: 2, topology: null },
  { cpus: 4, topology: { sockets: 1, cores: 2, threads: 2 } },
];

describe.each(topologies)('$cpus vCPUs', ({ cpus, topology }) => {
  let guest: Guest;
  let subject: ProofSubject;
  let map: LifeMap;
  let whole: Evidence;

  beforeAll(async () => {
    guest = await cloudGuest();
    subject = linuxSubject(guest, { script, config: { cpus, topology } });
    const output: number[] = [];
    const machine = subject.build(output, true);
    subject.start(machine);
    machine.resume();
    map = new LifeMap(machine);
    whole = evidence(machine, output);
    machine.close();
  });

  test('all are there, without a warning', () => {
    expect(whole.console).toContain(`\r\n${cpus}\r\n`);
    expect(whole.console).toContain(`CPU${cpus - 1}`);
    expect(whole.console).toMatch(/dmesg -r [^\n]*\nno more warnings/); // nothing but the echo of the command
    expect(whole.stop).toBe('{"kind":"power-off"}');
  });

  test('are where the configuration says', () => {
    const places = [...whole.console.matchAll(/(physical|core) id\s*: (\d+)/g)].map(([, what, id]) => `${what} ${id}`);
    const { sockets, cores } = topology ?? { sockets: cpus, cores: 1 };
    expect(new Set(places.filter((place) => place.startsWith('physical'))).size).toBe(sockets);
    expect(new Set(places.filter((place) => place.startsWith('core'))).size).toBe(cores);
  });

  test.each(disturbances)(`%s (seed ${seed}) changes nothing`, (_what, disturbance) => {
    expect(firstDifference(whole, linuxLife(subject, disturbance(randomNumbers(seed))))).toBeNull();
  });

  test('the translator changes nothing', () => {
    const handlers = linuxSubject(guest, { script, config: { cpus, topology }, translator: { mode: 'off' } });
    expect(firstDifference(whole, linuxLife(handlers, UNDISTURBED))).toBeNull();
  });

  test(`restored in new processes all over its life (seed ${seed}) it arrives at the same bits`, async () => {
    const random = randomNumbers(seed);
    let count = 0;
    await cutLife(subject, whole, map.cuts(CUTS, random), random, () => (count += 1));
    expect(count).toBeGreaterThanOrEqual(CUTS / 2);
  });
});
