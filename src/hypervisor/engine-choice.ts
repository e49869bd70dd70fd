// SPDX-License-Identifier: BSD-2-Clause
/** Which engine a machine gets on this host, and at which TSC rate. Decided before the machine is configured: the answer is part of its configuration. */
import { platform } from 'node:os';
import type { KvmProbe, VmmProbe } from './addon.js';
import type { ClockMode } from './hypervisor.js';
import { HypervisorError } from './hypervisor-error.js';
import { probeKvm } from './kvm-speed.js';
import { MAX_VCPUS } from './processors-state.js';
import { probeVmm } from './vmm-library.js';

export type { KvmProbe, VmmProbe };

/** What a machine can be configured with; `auto` stands for a choice among them. */
export const ENGINES = ['soft', 'kvm', 'vmm'] as const;
export type EngineName = (typeof ENGINES)[number];

export const AUTO = 'auto';

export interface EngineChoice {
  readonly engine: EngineName;
  /** Null: that of the CPU model. */
  readonly tscHz: bigint | null;
  /** One line for whoever asked; null when all is as they think. */
  readonly notice: string | null;
}

/** Why no machine can have this engine and clock, whatever the host; null if one can. */
export function engineRefusal(engine: string, clock: ClockMode, accepted: readonly string[] = ENGINES): string | null {
  if (!accepted.includes(engine)) {
    return `"${engine}": unknown engine; accepted are ${accepted.join(', ')}`;
  }
  if ((engine === 'kvm' || engine === 'vmm') && clock.kind === 'virtual') {
    return `"${engine}": it does not count instructions, as the virtual clock needs; accepted are soft, or the real clock`;
  }
  return null;
}

/** How many vCPUs an engine runs, whatever the host: a FreeBSD may be set to fewer (hw.vmm.maxcpu). */
export function mostVcpus(engine: string): number {
  return ENGINES.some((name) => name === engine) ? MAX_VCPUS : 1;
}

/** The probes run only where their answers matter. */
export function chooseEngine(
  wanted: string,
  clock: ClockMode,
  ofKvm: () => KvmProbe = probeKvm,
  ofVmm: () => VmmProbe = probeVmm,
): EngineChoice {
  const refusal = engineRefusal(wanted, clock, [...ENGINES, AUTO]);
  if (refusal !== null) throw new HypervisorError(`engine ${refusal}`, 'ERR_INVALID');
  if (wanted === 'kvm') return onKvm(ofKvm());
  if (wanted === 'vmm') return onVmm(ofVmm());
  if (wanted !== AUTO) return soft(null);
  if (clock.kind === 'virtual') return soft('engine soft: the virtual clock needs it');
  if (platform() === 'freebsd') {
    const vmm = ofVmm();
    return vmm.reason === '' ? onVmm(vmm) : soft(`engine soft: ${vmm.reason}`);
  }
  const probe = ofKvm();
  return probe.available ? onKvm(probe) : soft(`engine soft: ${probe.reason}`);
}

function soft(notice: string | null): EngineChoice {
  return { engine: 'soft', tscHz: null, notice };
}

function onVmm({ reason, tscHz }: VmmProbe): EngineChoice {
  if (reason !== '') {
    throw new HypervisorError(`engine vmm cannot be used here: ${reason}; engine soft runs everywhere`, 'ERR_VMM');
  }
  return { engine: 'vmm', tscHz: tscHz > 0n ? tscHz : null, notice: null };
}

function onKvm({ available, reason, instructionsPerSecond, tscHz, tscScalable }: KvmProbe): EngineChoice {
  if (instructionsPerSecond === 0) {
    throw new HypervisorError(`engine kvm cannot be used here: ${reason}; engine soft runs everywhere`, 'ERR_KVM');
  }
  const notice = available
    ? null
    : `warning: engine kvm: ${reason}; ordinary kernels do not run on it, engine soft does`;
  return { engine: 'kvm', tscHz: tscScalable ? null : tscHz, notice };
}
