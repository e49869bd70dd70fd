// SPDX-License-Identifier: BSD-2-Clause
import { tellOfWrites } from '../../src/hypervisor/written-pages.js';

const PAGE = 4096;

/** Two pages at 0 and two at 1 MiB, given the other way round; the third and fourth byte are those at 0. */
const HIGH = 2 ** 20;
const segments = [
  { base: HIGH, bytes: new Uint8Array(2 * PAGE) },
  { base: 0, bytes: new Uint8Array(2 * PAGE) },
];

function told(attentions: Uint8Array | null, ...writes: readonly [number, number][]): [number, number][] {
  const heard: [number, number][] = [];
  const write = tellOfWrites(segments, attentions, (address, length) => heard.push([address, length]));
  for (const [address, length] of writes) write(address, length);
  return heard;
}

test('a write is told if one of its pages wants attention', () => {
  const attentions = Uint8Array.of(0, 1, 2, 0);
  expect(told(attentions, [HIGH, PAGE], [PAGE, 8], [2 * PAGE - 1, 1])).toEqual([]);
  const wanted: [number, number][] = [
    [HIGH + PAGE, 1],
    [HIGH + PAGE - 1, 2],
    [PAGE - 1, 1],
    [PAGE - 1, 2],
    [0, 2 * PAGE],
  ];
  expect(told(attentions, ...wanted)).toEqual(wanted);
});

test('the answer is that of the moment', () => {
  const attentions = Uint8Array.of(0, 0, 0, 0);
  const heard: number[] = [];
  const write = tellOfWrites(segments, attentions, (address) => heard.push(address));
  write(0, 1);
  attentions[2] = 1;
  write(1, 1);
  expect(heard).toEqual([1]);
});

test('what is not known is told: other addresses, an engine that has closed, an engine that wants all', () => {
  expect(told(new Uint8Array(4), [2 * PAGE - 1, 2], [HIGH - 1, 2], [HIGH, 0])).toHaveLength(3);
  expect(told(new Uint8Array(0), [0, 1])).toEqual([[0, 1]]);
  expect(told(null, [0, 1])).toEqual([[0, 1]]);
});
