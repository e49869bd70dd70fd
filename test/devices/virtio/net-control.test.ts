// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { type ControlledState, control as controlWith } from '../../../devices/virtio/net-control.js';
import { freshFilter } from '../../../devices/virtio/net-filter.js';
import { bitsOf } from '../../support/virtio-driver.js';

const EVERYTHING = bitsOf(1, 2, 7, 17, 18, 20, 21, 22, 23);
const [CTRL_RX, CTRL_RX_EXTRA] = [bitsOf(18), bitsOf(20)];

const control = (state: ControlledState, command: Uint8Array, features: bigint): boolean =>
  controlWith(state, command, { features, mostPairs: 4 });

const fresh = (): ControlledState => ({
  ...freshFilter(),
  ownMac: new Uint8Array(6),
  mac: new Uint8Array(6),
  mtu: 0,
  linkUp: true,
  announce: true,
  pairs: 1,
  offloadsOff: 0n,
});

const count = (number: number): number[] => [...new Uint8Array(Uint32Array.of(number).buffer)];
const address = (last: number): number[] => [2, 0, 0, 0, 0, last];

test.each([
  [0, 'promiscuous', CTRL_RX],
  [1, 'allMulticast', CTRL_RX],
  [2, 'allUnicast', CTRL_RX_EXTRA],
  [3, 'noMulticast', CTRL_RX_EXTRA],
  [4, 'noUnicast', CTRL_RX_EXTRA],
  [5, 'noBroadcast', CTRL_RX_EXTRA],
] as const)('command %i of the receive modes is %s', (number, mode, feature) => {
  const state = { ...fresh(), promiscuous: false };
  expect(control(state, Uint8Array.of(0, number, 1), EVERYTHING & ~feature)).toBe(false);
  expect(control(state, Uint8Array.of(0, number, 1), feature)).toBe(true);
  expect(state).toEqual({ ...fresh(), promiscuous: false, [mode]: true });
  expect(control(state, Uint8Array.of(0, number, 0), feature)).toBe(true);
  expect(state[mode]).toBe(false);
});

test('tables of addresses replace those before', () => {
  const state = fresh();
  const tables = [...count(1), ...address(1), ...count(2), ...address(2), ...address(3)];
  expect(control(state, Uint8Array.of(1, 0, ...tables), EVERYTHING)).toBe(true);
  expect([state.unicast, state.multicast].map((table) => table.map((entry) => entry[5]))).toEqual([[1], [2, 3]]);
  expect(control(state, Uint8Array.of(1, 0, ...count(0), ...count(0)), EVERYTHING)).toBe(true);
  expect([state.unicast, state.multicast]).toEqual([[], []]);
});

test('a table that is too long lets all of its kind in', () => {
  const state = fresh();
  const long = Array.from({ length: 65 }, (_, index) => address(index)).flat();
  expect(control(state, Uint8Array.of(1, 0, ...count(65), ...long, ...count(0)), EVERYTHING)).toBe(true);
  expect(state).toMatchObject({ unicast: [], unicastOverflow: true, multicastOverflow: false });
});

test('announcing is acknowledged', () => {
  const state = fresh();
  expect(control(state, Uint8Array.of(3, 0), EVERYTHING)).toBe(true);
  expect(state.announce).toBe(false);
});

test.each([
  ['nothing', []],
  ['a class alone', [0]],
  ['a mode without a value', [0, 0]],
  ['a mode with too much', [0, 0, 1, 1]],
  ['a mode that there is not', [0, 6, 1]],
  ['an address that is too short', [1, 1, 2, 0, 0, 0, 0]],
  ['an address that is too long', [1, 1, ...address(1), 0]],
  ['one table', [1, 0, ...count(0)]],
  ['a table with a count only', [1, 0, ...count(0), ...count(1)]],
  ['a count that wraps', [1, 0, ...count(0x2aaaaaab), ...count(0)]],
  ['tables with something behind', [1, 0, ...count(0), ...count(0), 0]],
  ['another command of the addresses', [1, 2]],
  ['VLANs', [2, 0, 1, 0]],
  ['another announcement', [3, 1]],
  ['another command for pairs of queues', [4, 1, 1, 0]],
])('%s is refused, and changes nothing', (_, bytes) => {
  const state = fresh();
  expect(control(state, Uint8Array.from(bytes), EVERYTHING)).toBe(false);
  expect(state).toEqual(fresh());
});

test('nothing that a driver says throws', () => {
  const start = fc.constantFrom([0, 0], [1, 0], [1, 1], [3, 0], []);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 60 }), (head, rest) => {
      const state = fresh();
      if (!control(state, Uint8Array.of(...head, ...rest), EVERYTHING)) expect(state).toEqual(fresh());
    }),
    { seed: 3, numRuns: 500 },
  );
});

test.each([
  [Uint8Array.of(4, 0, 3, 0), EVERYTHING, 3],
  [Uint8Array.of(4, 0, 0, 0), EVERYTHING, null],
  [Uint8Array.of(4, 0, 5, 0), EVERYTHING, null],
  [Uint8Array.of(4, 0, 1, 1), EVERYTHING, null],
  [Uint8Array.of(4, 0, 2), EVERYTHING, null],
  [Uint8Array.of(4, 1, 2, 0), EVERYTHING, null],
  [Uint8Array.of(4, 0, 2, 0), EVERYTHING & ~bitsOf(22), null],
])('pairs of queues: %s', (command, features, pairs) => {
  const state = fresh();
  expect(control(state, command, features)).toBe(pairs !== null);
  expect(state.pairs).toBe(pairs ?? 1);
});

test('offloads are switched off and on again, but only those that were agreed on', () => {
  const state = fresh();
  const set = (...bits: readonly number[]): Uint8Array =>
    Uint8Array.of(5, 0, ...new Uint8Array(BigUint64Array.of(bitsOf(...bits)).buffer));
  expect(control(state, set(1), EVERYTHING)).toBe(true);
  expect(state.offloadsOff).toBe(bitsOf(7));
  expect(control(state, set(1, 8), EVERYTHING)).toBe(false);
  expect(control(state, set(1, 18), EVERYTHING)).toBe(false);
  expect(control(state, set(1, 7).subarray(0, 9), EVERYTHING)).toBe(false);
  expect(state.offloadsOff).toBe(bitsOf(7));
  expect(control(state, set(1, 7), EVERYTHING)).toBe(true);
  expect(state.offloadsOff).toBe(0n);
  expect(control(state, set(), EVERYTHING)).toBe(true);
  expect(state.offloadsOff).toBe(bitsOf(1, 7));
  expect(control(fresh(), set(1), EVERYTHING & ~bitsOf(2))).toBe(false);
});
