// SPDX-License-Identifier: BSD-2-Clause
/** What a kernel has cut from a CPU model, in words: CPUID leaf, register, and the bits that the guest is not shown. */
import { hexWord } from './cpu-model.js';

const REGISTERS = ['EAX', 'EBX', 'ECX', 'EDX'] as const;
const ROW_WORDS = 2 + REGISTERS.length;

/** `rows` as in `Capabilities.maskedCpuid`. Empty: the model is whole. */
export function maskedText(rows: Uint32Array): string {
  return Array.from({ length: rows.length / ROW_WORDS }, (_, row) => rows.subarray(row * ROW_WORDS))
    .flatMap(([leaf = 0, subleaf = 0, ...words]) =>
      REGISTERS.flatMap((register, index) => {
        const bits = words[index] ?? 0;
        return bits === 0 ? [] : [`${leaf.toString(16)}h.${subleaf} ${register} ${hexWord(bits)}`];
      }),
    )
    .join(', ');
}
