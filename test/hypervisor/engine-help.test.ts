// SPDX-License-Identifier: BSD-2-Clause
import type { KvmProbe } from '../../src/hypervisor/addon.js';
import { engineHelp } from '../../src/hypervisor/engine-help.js';

const NATIVE: KvmProbe = {
  available: true,
  reason: '',
  instructionsPerSecond: 9.01e8,
  tscHz: 2_100_000_000n,
  tscScalable: true,
};
const EMULATED: KvmProbe = {
  available: false,
  reason: '/dev/kvm emulates ring 0: 2000000 instructions a second',
  instructionsPerSecond: 2e6,
  tscHz: 2_100_000_000n,
  tscScalable: false,
};
const ABSENT: KvmProbe = { ...EMULATED, reason: 'open: Permission denied (/dev/kvm)', instructionsPerSecond: 0 };

function lines(probe: KvmProbe, platform = 'linux'): string[] {
  let asked = 0;
  const text = engineHelp(() => {
    asked += 1;
    return probe;
  }, platform);
  expect(asked).toBe(1);
  expect(text.endsWith('\n')).toBe(true);
  return text.trimEnd().split('\n');
}

test('a line for each engine, and what auto takes', () => {
  expect(lines(NATIVE)).toEqual([
    "soft  tsbhyve's own processor: runs everywhere, under both clocks; the default",
    'kvm   Linux KVM, under the real clock: native here: 901 million instructions a second (measured once a boot); any TSC rate',
    "vmm   FreeBSD's vmm, under the real clock: needs FreeBSD",
    'auto  kvm here',
  ]);
});

test('a KVM that emulates ring 0, and one that is not there, are told with the reason', () => {
  const [, emulated, , chosen] = lines(EMULATED);
  expect(emulated).toBe(
    'kvm   Linux KVM, under the real clock: no ordinary kernel runs on it here: /dev/kvm emulates ring 0: 2000000 instructions a second (measured once a boot); TSC at 2100000000 Hz',
  );
  expect(chosen).toBe('auto  soft here (/dev/kvm emulates ring 0: 2000000 instructions a second)');
  expect(lines(ABSENT)[1]).toBe(
    'kvm   Linux KVM, under the real clock: cannot be used here: open: Permission denied (/dev/kvm)',
  );
});
