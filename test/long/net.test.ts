// SPDX-License-Identifier: BSD-2-Clause
/** Debian's network driver on our cards: two of one machine, joined by a cable, one of them in a name space of its own. */
import type { Guest } from '../../scripts/quickstart/guest.js';
import { DEFAULT_CONFIG, type PciDeviceConfig } from '../../src/machine/config.js';
import { type Evidence, firstDifference } from '../support/proof.js';
import { testSeed } from '../support/random.js';
import { netGuest } from './support/debian-files.js';
import { type Disturbance, linuxLife, linuxSubject, UNDISTURBED } from './support/linux-proof.js';
import { typed } from './support/linux-session.js';
import { Restarts } from './support/restarts.js';

const seed = testSeed();
/** The cards are up and at work from about here on. */
const BUSY = 1_500_000_000n;

const script = [
  typed('unshare -n sleep 1000 & sleep 0.1; NS=$!; ip link set eth1 netns $NS; far() { nsenter -n -t $NS "$@"; }\n'),
  typed('far ip addr add 10.0.0.2/24 dev eth1; far ip link set eth1 up; ip addr add 10.0.0.1/24 dev eth0\n'),
  typed('ip link set eth0 up; ping -c 3 -s 5000 10.0.0.2; ip link show eth0\n'),
  typed('sleep 1 | far nc -l -p 99 | md5sum & sleep 0.1; head -c 1000000 /dev/zero | nc 10.0.0.2 99; wait %2\n'),
  typed('dmesg -r | grep "^<[0-4]>"; poweroff\n'),
];

function cards(options: Record<string, string>): PciDeviceConfig[] {
  const card = (slot: number): PciDeviceConfig => ({
    slot,
    fn: 0,
    kind: 'virtio-net',
    options: { loopback: 'cable', ...options },
  });
  return [...DEFAULT_CONFIG.pci, card(3), card(4)];
}

describe.each<[string, Record<string, string>]>([
  ['split rings', { mac: '00:a0:98:00:00:01', mtu: '1400' }],
  ['packed rings', { modern: 'on', packed: 'on' }],
  ['the legacy interface', { modern: 'off' }],
])('%s', (_, options) => {
  let guest: Guest;
  let whole: Evidence;
  const live = (disturbance: Disturbance): Evidence =>
    linuxLife(linuxSubject(guest, { script, config: { pci: cards(options) } }), disturbance);

  beforeAll(async () => {
    guest = await netGuest();
    whole = live(UNDISTURBED);
  });

  test('packets and a stream go from card to card', () => {
    expect(whole.console).toContain('3 packets transmitted, 3 packets received, 0% packet loss');
    // A million zeros.
    expect(whole.console).toContain('879f4bba57ed37c9ec5e5aedf9864698');
    if (options.mac !== undefined) expect(whole.console).toContain(`link/ether ${options.mac}`);
    expect(whole.console).toContain(`mtu ${options.mtu ?? '1500'}`);
    expect(whole.stop).toBe('{"kind":"power-off"}');
  });

  test(`saving and restoring at random times changes nothing (seed ${seed})`, () => {
    const restarts = new Restarts({ seed, first: BUSY, mean: 20_000_000 });
    expect(firstDifference(whole, live(restarts))).toBeNull();
    expect(restarts.count).toBeGreaterThan(20);
  });
});
