// SPDX-License-Identifier: BSD-2-Clause
import { type Topology, topologyRefusal, withTopology } from '../../../src/hypervisor/cpu-models/topology.js';
import { tsb1 } from '../../../src/hypervisor/cpu-models/tsb-1.js';

const topology = (sockets: number, cores: number, threads: number): Topology => ({ sockets, cores, threads });

function rows(given: Topology) {
  const { cpuid } = withTopology(tsb1, given);
  const row = (leaf: number, subleaf = 0) => {
    const found = cpuid.find((candidate) => candidate.leaf === leaf && candidate.subleaf === subleaf);
    if (found === undefined) throw new Error(`no leaf ${leaf}`);
    return found;
  };
  return {
    logical: (row(1).ebx >>> 16) & 0xff,
    isMultiple: (row(1).edx >>> 28) & 1,
    sharing: ((row(4, 2).eax >>> 14) & 0xfff) + 1,
    cores: ((row(4, 2).eax >>> 26) & 0x3f) + 1,
    levels: [0, 1, 2].map((level) => [row(0xb, level).eax, row(0xb, level).ebx, row(0xb, level).ecx]),
  };
}

test('one vCPU leaves the model as it is', () => {
  expect(withTopology(tsb1, topology(1, 1, 1))).toBe(tsb1);
});

test('sockets of one', () => {
  expect(rows(topology(4, 1, 1))).toEqual({
    logical: 1,
    isMultiple: 0,
    sharing: 1,
    cores: 1,
    levels: [
      [0, 1, 0x100],
      [0, 1, 0x201],
      [0, 0, 2],
    ],
  });
});

test('cores and threads', () => {
  expect(rows(topology(2, 2, 2))).toEqual({
    logical: 4,
    isMultiple: 1,
    sharing: 2,
    cores: 2,
    levels: [
      [1, 2, 0x100],
      [2, 4, 0x201],
      [0, 0, 2],
    ],
  });
  expect(rows(topology(1, 3, 1))).toMatchObject({ logical: 4, cores: 4, sharing: 1 });
});

test('nothing but these leaves changes, and caches keep their sizes', () => {
  const changed = withTopology(tsb1, topology(1, 2, 2)).cpuid.filter((row, index) => {
    const { leaf, subleaf, eax, ebx, ecx, edx } = tsb1.cpuid[index] ?? row;
    return JSON.stringify([leaf, subleaf, eax, ebx, ecx, edx]) !== JSON.stringify(Object.values(row).slice(0, 6));
  });
  expect(changed.map(({ leaf, subleaf }) => `${leaf}.${subleaf}`)).toEqual([
    '1.0',
    '4.0',
    '4.1',
    '4.2',
    '11.0',
    '11.1',
  ]);
  expect(changed.filter(({ leaf }) => leaf === 4).map(({ eax, ecx }) => [eax & 0x1ff, ecx])).toEqual(
    tsb1.cpuid.filter(({ leaf, eax }) => leaf === 4 && eax !== 0).map(({ eax, ecx }) => [eax & 0x1ff, ecx]),
  );
});

test('groups that APIC ids cannot tell apart are refused', () => {
  expect(topologyRefusal(topology(16, 1, 1))).toBeNull();
  expect(topologyRefusal(topology(1, 3, 1))).toBeNull();
  expect(topologyRefusal(topology(1, 1, 3))).toBeNull();
  expect(topologyRefusal(topology(3, 2, 2))).toBeNull();
  expect(topologyRefusal(topology(2, 3, 1))).toContain('3 vCPUs of a socket');
  expect(topologyRefusal(topology(1, 2, 3))).toContain('3 threads of a core');
});
