// SPDX-License-Identifier: BSD-2-Clause
import { chooseEngine, ENGINES } from '../../src/hypervisor/engine-choice.js';
import { HypervisorError } from '../../src/hypervisor/hypervisor-error.js';
import { kvmHere } from './kvm-here.js';

export interface EngineHere {
  readonly engine: string;
  /** It runs ring 0 whole, and does not merely emulate the most of it. */
  readonly isNative: boolean;
}

export interface EnginesHere {
  readonly engines: readonly EngineHere[];
  /** Why others are missing, a line each. */
  readonly skipped: readonly string[];
  /** A rate of the TSC that all of them have; null: any. */
  readonly tscHz: bigint | null;
}

/** The engines that can run a machine under the real clock on this host. */
export function enginesHere(): EnginesHere {
  const kvm = kvmHere();
  const engines: EngineHere[] = [];
  const skipped: string[] = [];
  let rate: bigint | null = null;
  for (const engine of ENGINES) {
    if (engine === 'kvm' && 'skipped' in kvm) {
      skipped.push(`kvm: ${kvm.skipped}`);
      continue;
    }
    try {
      const { tscHz, notice } = chooseEngine(engine, { kind: 'real' });
      engines.push({ engine, isNative: notice === null });
      rate ??= tscHz;
    } catch (error) {
      if (!(error instanceof HypervisorError)) throw error;
      skipped.push(`${engine}: skipped: ${error.message}`);
    }
  }
  return { engines, skipped, tscHz: rate };
}
