// SPDX-License-Identifier: BSD-2-Clause
import { parseSmaps } from '../../scripts/bench/guest-pages.js';
import { inTurns } from '../../scripts/bench/in-turns.js';
import { loopKernel, mmioRead, portRead } from '../../scripts/bench/loop-kernel.js';
import { atLeast, atMost, line, table } from '../../scripts/bench/report.js';
import { geometricMean, median } from '../../scripts/bench/statistics.js';
import { loadKernel } from '../../src/boot/load-kernel.js';
import { ramLayout } from '../../src/boot/memory-map.js';

test('the median is the middle, or lies between the two in the middle', () => {
  expect(median([3, 100, 1])).toBe(3);
  expect(median([10, 2, 4, 1])).toBe(3);
});

test('the geometric mean of a speed and its inverse is 1', () => {
  expect(geometricMean([4, 0.25])).toBeCloseTo(1);
  expect(geometricMean([2, 8])).toBeCloseTo(4);
});

test('sides take turns', async () => {
  const order: string[] = [];
  const side = (name: string) => () => {
    order.push(name);
    return order.length;
  };
  const results = await inTurns(2, { ours: side('ours'), theirs: side('theirs') }, (run) => order.push(`run ${run}`));
  expect(order).toEqual(['run 1', 'ours', 'theirs', 'run 2', 'ours', 'theirs']);
  expect(results).toEqual({ ours: [2, 5], theirs: [3, 6] });
});

test('smaps: size and resident size of every mapping', () => {
  const mapping = (start: string, size: number, rss: number) =>
    `${start}-7f99 rw-p 00000000 00:00 0\nSize: ${size} kB\nKernelPageSize: 4 kB\nRss:    ${rss} kB\nPss: 1 kB\n`;
  expect(parseSmaps(mapping('7f00', 262144, 81920) + mapping('7f90', 60, 3) + mapping('7f90', 64, 4))).toEqual([
    { size: 262144, resident: 81920 },
    { size: 64, resident: 4 },
  ]);
});

test.each([
  ['port', portRead],
  ['MMIO', mmioRead],
])('the %s loop is a Multiboot kernel whose jumps fit', (_, access) => {
  const bytes = loopKernel(access, 1000);
  const plan = loadKernel({ name: 'loop', bytes }, { ram: ramLayout(0x200_0000), commandLine: '' });
  expect(plan.cpu.rip).toBe(0x10_0020n);
  const code = bytes.subarray(32);
  const inner = 5;
  const jnz = inner + access.length + 1;
  expect([...code.subarray(jnz, jnz + 2)]).toEqual([0x75, 0x100 - (jnz + 2 - inner)]);
  expect([...code.subarray(-2)]).toEqual([0xeb, 0x100 - code.length]);
});

test('the table says which bars are missed', () => {
  const rows = [
    { name: 'boot', unit: 's', tsbhyve: 3.2, qemu: 2.1, bar: atMost(3.2, 10.5, "5 times QEMU's") },
    { name: 'instructions', unit: 'million/s', tsbhyve: 149, qemu: null, bar: atLeast(149, 150, '150') },
    { name: 'start', unit: 'ms', tsbhyve: 260.4, qemu: 120, bar: null },
  ];
  const lines = table(rows, '7.2').split('\n');
  expect(lines[0]).toMatch(/^ +tsbhyve +QEMU 7\.2 +unit +wanted$/);
  expect(lines[1]).toMatch(/^boot +3\.20 +2\.10 +s +5 times QEMU's +ok$/);
  expect(lines[2]).toMatch(/^instructions +149 +- +million\/s +150 +MISSED$/);
  expect(lines[3]).toMatch(/^start +260 +120 +ms$/);
});

test('a row by itself is a line', () => {
  const row = { name: 'boot', unit: 's', tsbhyve: 3.2, qemu: 2.1, bar: atMost(3.2, 2.1, "QEMU's") };
  expect(line(row)).toBe('boot: tsbhyve 3.20, QEMU 2.10 s MISSED');
  expect(line({ ...row, qemu: null, bar: null })).toBe('boot: tsbhyve 3.20 s');
});

test('numbers beside the two have columns of their own', () => {
  const rows = [
    { name: 'boot', unit: 's', tsbhyve: 3.2, qemu: 2.1, beside: { '-cpu max': 2.5 }, bar: null },
    { name: 'gzip', unit: 's', tsbhyve: 1, qemu: null, beside: { native: 0.25 }, bar: atLeast(1, 2, '2') },
  ];
  const lines = table(rows, '7.2').split('\n');
  expect(lines[0]).toMatch(/^ +tsbhyve +QEMU 7\.2 +-cpu max +native +unit +wanted$/);
  expect(lines[1]).toMatch(/^boot +3\.20 +2\.10 +2\.50 +- +s$/);
  expect(lines[2]).toMatch(/^gzip +1\.00 +- +- +0\.25 +s +2 +MISSED$/);
});
