// SPDX-License-Identifier: BSD-2-Clause
/** How the soft engine makes host code of hot guest code. Nothing that a guest or a snapshot sees depends on it. */

/** Lockstep: everything is done a second time without host code, and the first difference ends the VM. */
export const TRANSLATOR_MODES = ['off', 'on', 'lockstep'] as const;
export type TranslatorMode = (typeof TRANSLATOR_MODES)[number];

export interface TranslatorOptions {
  readonly mode: TranslatorMode;
  /** Runs of a piece of code after which it is translated. */
  readonly heat: number;
  /** Bytes of host code, for all vCPUs together. */
  readonly codeBytes: number;
  /** File in which perf(1) finds names for it; empty for none. */
  readonly perfMap: string;
}

export const TRANSLATOR_DEFAULT: TranslatorOptions = { mode: 'on', heat: 48, codeBytes: 64 * 1024 * 1024, perfMap: '' };
