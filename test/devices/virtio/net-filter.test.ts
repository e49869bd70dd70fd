// SPDX-License-Identifier: BSD-2-Clause
import { type FilterState, freshFilter, passesFilter } from '../../../devices/virtio/net-filter.js';

const OWN = Uint8Array.of(2, 0, 0, 0, 0, 1);
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 9);
const GROUP = Uint8Array.of(1, 0, 0x5e, 0, 0, 1);
const ALL = new Uint8Array(6).fill(0xff);

function passed(filter: Partial<FilterState>): string {
  const whole = { ...freshFilter(), promiscuous: false, ...filter };
  const kinds = Object.entries({ own: OWN, other: OTHER, group: GROUP, all: ALL });
  return kinds.flatMap(([name, to]) => (passesFilter(whole, OWN, Uint8Array.of(...to, 0, 0)) ? [name] : [])).join(' ');
}

test.each<[Partial<FilterState>, string]>([
  [{ promiscuous: true, noUnicast: true, noMulticast: true, noBroadcast: true }, 'own other group all'],
  [{}, 'own all'],
  [{ unicast: [OTHER] }, 'own other all'],
  [{ multicast: [GROUP] }, 'own group all'],
  [{ multicast: [OTHER], unicast: [GROUP] }, 'own all'],
  [{ allUnicast: true }, 'own other all'],
  [{ allMulticast: true }, 'own group all'],
  [{ unicastOverflow: true }, 'own other all'],
  [{ multicastOverflow: true }, 'own group all'],
  [{ noBroadcast: true }, 'own'],
  [{ noUnicast: true, allUnicast: true }, 'all'],
  [{ noMulticast: true, allMulticast: true }, 'own all'],
])('%j lets %s in', (filter, expected) => {
  expect(passed(filter)).toBe(expected);
});

test('a fresh filter lets everything in', () => {
  expect(passesFilter(freshFilter(), OWN, OTHER)).toBe(true);
});
