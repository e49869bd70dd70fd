// SPDX-License-Identifier: BSD-2-Clause
import { tsb1 } from '../../../src/hypervisor/cpu-models/tsb-1.js';
import { atTscRate } from '../../../src/hypervisor/cpu-models/tsc-rate.js';

test('the model’s own rate leaves the model alone', () => {
  expect(atTscRate(tsb1, null)).toBe(tsb1);
  expect(atTscRate(tsb1, 1_000_000_000n)).toBe(tsb1);
});

test.each([800_000_000n, 2_100_000_000n, 2_596_122_000n, 3_999_999_000n, 4_294_000_000n, 6_000_000_000n])(
  'at %d Hz a guest computes the rate from leaf 15H, as Linux does in 32 bits',
  (tscHz) => {
    const { cpuid, tscHz: rate } = atTscRate(tsb1, tscHz);
    expect(rate).toBe(tscHz);
    const leaf = cpuid.find((row) => row.leaf === 0x15);
    const { eax = 0, ebx = 0, ecx = 0 } = leaf ?? {};
    expect(ecx).toBe(1_000_000_000);
    expect((ecx / 1000) * ebx).toBeLessThan(2 ** 32);
    expect(Math.abs((ecx * ebx) / eax / Number(tscHz) - 1)).toBeLessThan(2e-6);
  },
);

test('only the rows that tell the TSC’s rate change', () => {
  const { cpuid, name } = atTscRate(tsb1, 2_100_000_000n);
  const changed = cpuid.filter((row, index) => JSON.stringify(row) !== JSON.stringify(tsb1.cpuid[index]));
  expect(name).toBe('tsb-1');
  expect(changed.map(({ leaf, eax, ebx }) => [leaf, eax, ebx])).toEqual([
    [0x15, 10, 21],
    [0x16, 2100, 2100],
    [0x4000_0010, 2_100_000, 1_000_000],
  ]);
});
