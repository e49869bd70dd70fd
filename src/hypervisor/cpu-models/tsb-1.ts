// SPDX-License-Identifier: BSD-2-Clause
/** tsb-1, the default CPU model. docs/cpu-models/tsb-1.md says why it is what it is. */
import type { CpuidRow, CpuModel } from './cpu-model.js';

type Four = readonly [eax: number, ebx: number, ecx: number, edx: number];

const row = (leaf: number, subleaf: number, [eax, ebx, ecx, edx]: Four, doc: string): CpuidRow => ({
  leaf,
  subleaf,
  eax: eax >>> 0,
  ebx: ebx >>> 0,
  ecx: ecx >>> 0,
  edx: edx >>> 0,
  doc,
});

/** Little-endian words of an ASCII text, padded with NUL. */
const text = (value: string, words: number): number[] =>
  Array.from({ length: words }, (_, word) =>
    [0, 1, 2, 3].reduce((sum, i) => sum | ((value.charCodeAt(4 * word + i) || 0) << (8 * i)), 0),
  );

const bits = (...numbers: readonly number[]): number => numbers.reduce((sum, number) => sum | (1 << number), 0);

/** Deterministic cache parameters (SDM vol. 2, CPUID leaf 4): 64-byte lines, one partition. */
const cache = (type: number, level: number, ways: number, sets: number): Four => [
  type | (level << 5) | (1 << 8),
  ((ways - 1) << 22) | 63,
  sets - 1,
  0,
];

const [genu = 0, inei = 0, ntel = 0] = text('GenuineIntel', 3);
const [sign1 = 0, sign2 = 0, sign3 = 0] = text('tsbhyve tsb ', 3);
const BRAND = 'tsbhyve virtual CPU tsb-1';
const brand = (part: number): Four => {
  const [a = 0, b = 0, c = 0, d = 0] = text(BRAND.slice(16 * part, 16 * part + 16), 4);
  return [a, b, c, d];
};

const SIGNATURE = 0x000106ca; // family 6, model 1Ch, stepping 10
const TSC_HZ = 1_000_000_000;

const ECX_1 = bits(0, 9, 13, 17, 19, 20, 21, 23, 24, 31);
const EDX_1 = bits(0, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 23, 24, 25, 26);
const EBX_7 = bits(0, 1, 7, 9, 10, 20);
const EDX_7 = bits(4, 29);
const EDX_80000001 = bits(11, 20, 26, 27, 29);

export const tsb1: CpuModel = {
  name: 'tsb-1',
  tscHz: BigInt(TSC_HZ),
  physicalAddressBits: 40,
  cpuid: [
    row(0, 0, [0x16, genu, ntel, inei], 'highest basic leaf; GenuineIntel'),
    row(
      1,
      0,
      [SIGNATURE, (1 << 16) | (8 << 8), ECX_1, EDX_1],
      'family 6, model 0x1c, stepping 10; CLFLUSH line 64 bytes, one logical processor, APIC id (EBX 24-31) as it is; ' +
        'SSE3 SSSE3 CX16 PCID SSE4.1 SSE4.2 x2APIC POPCNT TSC_DEADLINE HYPERVISOR; ' +
        'FPU DE PSE TSC MSR PAE MCE CX8 APIC (while enabled) SEP MTRR PGE MCA CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2',
    ),
    row(2, 0, [0x0000ff01, 0, 0, 0], 'caches: see leaf 4'),
    row(4, 0, cache(1, 1, 8, 64), 'L1 data cache, 32 KiB, 8 ways'),
    row(4, 1, cache(2, 1, 8, 64), 'L1 instruction cache, 32 KiB, 8 ways'),
    row(4, 2, cache(3, 2, 16, 1024), 'L2 cache, 1 MiB, 16 ways'),
    row(4, 3, [0, 0, 0, 0], 'no more caches'),
    row(6, 0, [bits(2), 0, 0, 0], 'ARAT: the APIC timer always runs'),
    row(7, 0, [0, EBX_7, bits(2), EDX_7], 'FSGSBASE TSC_ADJUST SMEP ERMS INVPCID SMAP; UMIP; FSRM ARCH_CAPABILITIES'),
    row(0xa, 0, [0, 0, 0, 0], 'no performance counters'),
    row(0xb, 0, [0, 1, 0x100, 0], 'one thread a core; EDX is the x2APIC id'),
    row(0xb, 1, [8, 1, 0x201, 0], 'bits 8 and up of the x2APIC id number the package; EDX is the x2APIC id'),
    row(0xb, 2, [0, 0, 2, 0], 'no more levels; EDX is the x2APIC id'),
    row(0x15, 0, [1, 1, TSC_HZ, 0], 'TSC = crystal = LAPIC timer clock = 1,000,000,000 Hz'),
    row(0x16, 0, [1000, 1000, 100, 0], 'base and maximum 1000 MHz, bus 100 MHz'),
    row(0x40000000, 0, [0x40000010, sign1, sign2, sign3], 'highest hypervisor leaf; "tsbhyve tsb "'),
    row(0x40000010, 0, [TSC_HZ / 1000, TSC_HZ / 1000, 0, 0], 'TSC and LAPIC timer clock in kHz'),
    row(0x80000000, 0, [0x80000008, 0, 0, 0], 'highest extended leaf'),
    row(
      0x80000001,
      0,
      [0, 0, bits(0, 8), EDX_80000001],
      'LAHF PREFETCHW; SYSCALL (in 64-bit code) NX PDPE1GB RDTSCP LM',
    ),
    row(0x80000002, 0, brand(0), `brand string "${BRAND}"`),
    row(0x80000003, 0, brand(1), 'brand string'),
    row(0x80000004, 0, brand(2), 'brand string'),
    row(0x80000006, 0, [0, 0, (1024 << 16) | (8 << 12) | 64, 0], 'L2 cache, 1024 KiB, 16 ways, 64-byte lines'),
    row(0x80000007, 0, [0, 0, 0, bits(8)], 'invariant TSC'),
    row(0x80000008, 0, [40 | (48 << 8), 0, 0, 0], '40 physical and 48 linear address bits'),
  ],
};
