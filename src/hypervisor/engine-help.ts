// SPDX-License-Identifier: BSD-2-Clause
/** `--engine help`: what each engine is, and whether this host has it. */

import type { KvmProbe } from './addon.js';
import { AUTO, chooseEngine, ENGINES, type EngineName } from './engine-choice.js';
import { probeKvm } from './kvm-speed.js';

const REAL = { kind: 'real' } as const;
/** Another width would break the columns of the longest name. */
const NAME_WIDTH = 6;

/** A line for each engine, and one for the choice among them. The probe is asked once. */
export function engineHelp(probe: () => KvmProbe = probeKvm, platform: string = process.platform): string {
  const kvm = probe();
  const about: Readonly<Record<EngineName | 'vmm', string>> = {
    soft: "tsbhyve's own processor: runs everywhere, under both clocks; the default",
    kvm: `Linux KVM, under the real clock: ${kvmHere(kvm)}`,
    vmm: `FreeBSD's vmm, under the real clock: ${platform === 'freebsd' ? 'not there yet' : 'needs FreeBSD'}`,
  };
  const { engine, notice } = chooseEngine(AUTO, REAL, () => kvm);
  const lines = [
    ...[...ENGINES, 'vmm' as const].map((name): [string, string] => [name, about[name]]),
    [AUTO, `${engine} here${notice === null ? '' : ` (${notice.replace(/^engine \w+: /, '')})`}`] as const,
  ];
  return `${lines.map(([name, text]) => `${name.padEnd(NAME_WIDTH)}${text}`).join('\n')}\n`;
}

function kvmHere({ available, reason, instructionsPerSecond, tscScalable, tscHz }: KvmProbe): string {
  if (instructionsPerSecond === 0) return `cannot be used here: ${reason}`;
  const rate = tscScalable ? 'any TSC rate' : `TSC at ${tscHz} Hz`;
  if (!available) return `no ordinary kernel runs on it here: ${reason} (measured once a boot); ${rate}`;
  return `native here: ${(instructionsPerSecond / 1e6).toFixed(0)} million instructions a second (measured once a boot); ${rate}`;
}
