// SPDX-License-Identifier: BSD-2-Clause
/** `--engine help`: what each engine is, and whether this host has it. */

import { type KvmProbe, loadAddon, type VmmProbe } from './addon.js';
import { AUTO, chooseEngine, ENGINES, type EngineName } from './engine-choice.js';
import { probeKvm } from './kvm-speed.js';
import { vmmLibrary } from './vmm-library.js';

const REAL = { kind: 'real' } as const;
/** Another width would break the columns of the longest name. */
const NAME_WIDTH = 6;

/** A line for each engine, and one for the choice among them. Each probe is asked once. */
export function engineHelp(
  ofKvm: () => KvmProbe = probeKvm,
  ofVmm: () => VmmProbe = () => loadAddon().vmmProbe(vmmLibrary()),
): string {
  const [kvm, vmm] = [ofKvm(), ofVmm()];
  const about: Readonly<Record<EngineName, string>> = {
    soft: "tsbhyve's own processor: runs everywhere, under both clocks; the default",
    kvm: `Linux KVM, under the real clock: ${kvmHere(kvm)}`,
    vmm: `FreeBSD's vmm, under the real clock: ${vmmHere(vmm)}`,
  };
  const choice = chooseEngine(
    AUTO,
    REAL,
    () => kvm,
    () => vmm,
  );
  const reason = choice.notice === null ? '' : ` (${choice.notice.replace(/^engine \w+: /, '')})`;
  const lines = [...ENGINES.map((name) => [name, about[name]]), [AUTO, `${choice.engine} here${reason}`]];
  return `${lines.map(([name = '', text]) => `${name.padEnd(NAME_WIDTH)}${text}`).join('\n')}\n`;
}

function vmmHere({ reason, tscHz }: VmmProbe): string {
  return reason === '' ? `native here; TSC at ${tscHz} Hz` : `cannot be used here: ${reason}`;
}

function kvmHere({ available, reason, instructionsPerSecond, tscScalable, tscHz }: KvmProbe): string {
  if (instructionsPerSecond === 0) return `cannot be used here: ${reason}`;
  const rate = tscScalable ? 'any TSC rate' : `TSC at ${tscHz} Hz`;
  if (!available) return `no ordinary kernel runs on it here: ${reason} (measured once a boot); ${rate}`;
  return `native here: ${(instructionsPerSecond / 1e6).toFixed(0)} million instructions a second (measured once a boot); ${rate}`;
}
