// SPDX-License-Identifier: BSD-2-Clause
import { mostVcpus } from '../../src/hypervisor/engine-choice.js';
import type { EngineFeature } from '../guests/build-guest.js';
import { kvmHere, kvmTscHz } from './kvm-here.js';
import { vmmHere } from './vmm-here.js';

export interface EngineHere {
  readonly engine: string;
  readonly lacks: readonly EngineFeature[];
  readonly mostVcpus: number;
  /** The rate of the TSC that it has; null: any. */
  readonly tscHz: bigint | null;
}

export interface EnginesHere {
  readonly engines: readonly EngineHere[];
  /** Why others are missing, a line each. */
  readonly skipped: readonly string[];
}

/** The engines that can run a machine under the real clock on this host. */
export function enginesHere(): EnginesHere {
  const engines: EngineHere[] = [{ engine: 'soft', lacks: [], mostVcpus: mostVcpus('soft'), tscHz: null }];
  const skipped: string[] = [];
  const kvm = kvmHere();
  if ('skipped' in kvm) skipped.push(`kvm: ${kvm.skipped}`);
  else {
    const lacks: EngineFeature[] = kvm.probe.available ? [] : ['ring0'];
    engines.push({ engine: 'kvm', lacks, mostVcpus: mostVcpus('kvm'), tscHz: kvmTscHz(kvm.probe) });
  }
  const vmm = vmmHere();
  if ('skipped' in vmm) skipped.push(`vmm: ${vmm.skipped}`);
  else {
    engines.push({ engine: 'vmm', lacks: vmmLacks(), mostVcpus: mostVcpus('vmm'), tscHz: vmm.probe.tscHz });
  }
  return { engines, skipped };
}

/** The imitation's clock has no interrupts. */
function vmmLacks(): EngineFeature[] {
  return ['tsb-1', 'tsc-deadline', ...(process.platform === 'freebsd' ? [] : ['rtc' as const])];
}

/** vmm has a chipset and a processor of its own, and test/machine/vmm-machine.test.ts for what it saves of them. */
export function canExchange(one: EngineHere, other: EngineHere): boolean {
  return (one.engine === 'vmm') === (other.engine === 'vmm');
}
