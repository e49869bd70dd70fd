// SPDX-License-Identifier: BSD-2-Clause
/** CPU models are immutable named tables: a change of any value is a new name, so that saved machines keep their processor. */

/** One answer of CPUID. Leaves without a row answer zeros. */
export interface CpuidRow {
  readonly leaf: number;
  readonly subleaf: number;
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
  /** What the values say. */
  readonly doc: string;
}

export interface CpuModel {
  readonly name: string;
  readonly tscHz: bigint;
  readonly physicalAddressBits: number;
  readonly cpuid: readonly CpuidRow[];
}

/** The table as engines take it: six words a row. */
export const cpuidWords = (model: CpuModel): Uint32Array =>
  Uint32Array.from(model.cpuid.flatMap((row) => [row.leaf, row.subleaf, row.eax, row.ebx, row.ecx, row.edx]));

/** `0x` and eight digits. */
export const hexWord = (word: number): string => `0x${word.toString(16).padStart(8, '0')}`;

/** A model as a Markdown table: docs/cpu-models. */
export const cpuidTable = (model: CpuModel): string =>
  [
    '| Leaf | Subleaf | EAX | EBX | ECX | EDX | Meaning |',
    '|---|---|---|---|---|---|---|',
    ...model.cpuid.map(({ leaf, subleaf, eax, ebx, ecx, edx, doc }) => {
      const words = [leaf, subleaf, eax, ebx, ecx, edx].map((word, i) =>
        i === 1 ? String(word) : `\`${hexWord(word)}\``,
      );
      return `| ${words.join(' | ')} | ${doc} |`;
    }),
    '',
  ].join('\n');
