// SPDX-License-Identifier: BSD-2-Clause
/**
 * How the vCPUs of a machine are told that they share sockets and cores (SDM vol. 3, 8.9). Their APIC ids are numbered
 * through, so only what fits the fields of an id can be said.
 */
import type { CpuidRow, CpuModel } from './cpu-model.js';

/** Cores of a socket, threads of a core. */
export interface Topology {
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

const HTT = 1 << 28;
const ONES = 0xffff_ffff;
const LEVEL_TYPE_THREAD = 1;
const LEVEL_TYPE_CORE = 2;

/** Why APIC ids from 0 on cannot say this; null if they can. */
export function topologyRefusal({ sockets, cores, threads }: Topology): string | null {
  const places = [
    ['threads of a core', threads, cores * sockets],
    ['vCPUs of a socket', cores * threads, sockets],
  ] as const;
  for (const [what, count, groups] of places) {
    if (groups > 1 && 2 ** idBits(count) !== count) {
      return `${count} ${what}: expected a power of two where there are several such groups, as APIC ids are numbered through`;
    }
  }
  return null;
}

/** The model's table for a machine of this topology; a single vCPU leaves it as it is. */
export function withTopology(model: CpuModel, topology: Topology): CpuModel {
  const { sockets, cores, threads } = topology;
  if (sockets * cores * threads === 1) return model;
  return { ...model, cpuid: model.cpuid.map((row) => ({ ...row, ...changes(row, topology) })) };
}

/** SDM vol. 2, CPUID. The ids themselves are the engine's to put in. */
function changes({ leaf, subleaf, eax, ebx, edx }: CpuidRow, { cores, threads }: Topology): Partial<CpuidRow> {
  const inSocket = 2 ** idBits(cores * threads);
  if (leaf === 1 && inSocket > 1) {
    return { ebx: ((ebx & ~0x00ff_0000) | (inSocket << 16)) >>> 0, edx: (edx | HTT) >>> 0 };
  }
  if (leaf === 4 && eax !== 0) {
    const sharing = 2 ** idBits(threads) - 1;
    const coreIds = inSocket / 2 ** idBits(threads) - 1;
    return { eax: ((eax & (ONES >>> 18)) | (sharing << 14) | (coreIds << 26)) >>> 0 };
  }
  if (leaf !== 0xb) return {};
  if (subleaf === 0) return { eax: idBits(threads), ebx: threads, ecx: LEVEL_TYPE_THREAD << 8 };
  if (subleaf === 1) return { eax: idBits(cores * threads), ebx: cores * threads, ecx: (LEVEL_TYPE_CORE << 8) | 1 };
  return {};
}

/** Bits of an APIC id that tell `count` apart. */
function idBits(count: number): number {
  return Math.ceil(Math.log2(count));
}
