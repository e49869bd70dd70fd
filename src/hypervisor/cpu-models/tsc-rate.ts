// SPDX-License-Identifier: BSD-2-Clause
/**
 * A CPU model at another TSC rate, for a kvm that cannot scale the TSC. The crystal and the LAPIC timer stay at the
 * model's rate; only the rows that tell the TSC's rate change.
 */
import type { CpuidRow, CpuModel } from './cpu-model.js';

const TSC_AND_CRYSTAL = 0x15;
const FREQUENCIES_MHZ = 0x16;
const HYPERVISOR_FREQUENCIES_KHZ = 0x4000_0010;

const KHZ = 1_000;
const MHZ = 1_000_000;

/** Linux computes crystal kHz × numerator / denominator in 32 bits. */
const PRODUCT_LIMIT = 2 ** 32;

/** Null leaves the model as it is. */
export function atTscRate(model: CpuModel, tscHz: bigint | null): CpuModel {
  if (tscHz === null || tscHz === model.tscHz) return model;
  return { ...model, tscHz, cpuid: model.cpuid.map((row) => ({ ...row, ...ratesOf(row, Number(tscHz)) })) };
}

/** SDM vol. 2, CPUID: leaf 15H is TSC / crystal as EBX / EAX with the crystal in ECX, leaf 16H has base and maximum. */
function ratesOf({ leaf, ecx: crystalHz }: CpuidRow, tscHz: number): Partial<CpuidRow> {
  if (leaf === TSC_AND_CRYSTAL) {
    const [ebx, eax] = closestFraction(tscHz / crystalHz, Math.floor((PRODUCT_LIMIT - 1) / (crystalHz / KHZ)));
    return { eax, ebx };
  }
  const mhz = Math.round(tscHz / MHZ);
  if (leaf === FREQUENCIES_MHZ) return { eax: mhz, ebx: mhz };
  return leaf === HYPERVISOR_FREQUENCIES_KHZ ? { eax: Math.round(tscHz / KHZ) } : {};
}

function closestFraction(ratio: number, largestNumerator: number): [numerator: number, denominator: number] {
  let best: [number, number] = [Math.max(1, Math.round(ratio)), 1];
  const distance = ([numerator, denominator]: [number, number]) => Math.abs(numerator / denominator - ratio);
  for (let denominator = 2; ratio * denominator <= largestNumerator; denominator += 1) {
    const candidate: [number, number] = [Math.round(ratio * denominator), denominator];
    if (candidate[0] <= largestNumerator && distance(candidate) < distance(best)) best = candidate;
  }
  return best;
}
