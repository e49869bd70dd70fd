// SPDX-License-Identifier: BSD-2-Clause
/** Which engine a machine gets on this host, and at which TSC rate. Decided before the machine is configured: the answer is part of its configuration. */
import { type KvmProbe, loadAddon } from './addon.js';
import type { ClockMode } from './hypervisor.js';
import { HypervisorError } from './hypervisor-error.js';
import { MAX_VCPUS } from './processors-state.js';

export type { KvmProbe };

/** What a machine can be configured with; `auto` stands for a choice among them. */
export const ENGINES = ['soft', 'kvm'] as const;
export type EngineName = (typeof ENGINES)[number];

const AUTO = 'auto';

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
    const problem = engine === 'vmm' ? 'needs FreeBSD' : 'unknown engine';
    return `"${engine}": ${problem}; accepted are ${accepted.join(', ')}`;
  }
  if (engine === 'kvm' && clock.kind === 'virtual') {
    return '"kvm": it does not count instructions, as the virtual clock needs; accepted are soft, or the real clock';
  }
  return null;
}

/** How many vCPUs an engine runs under a clock, whatever the host. */
export function mostVcpus(engine: string, clock: ClockMode): number {
  return engine === 'kvm' || clock.kind === 'virtual' ? MAX_VCPUS : 1;
}

/** The probe runs only where its answer matters: it takes a tenth of a second on an emulated KVM. */
export function chooseEngine(
  wanted: string,
  clock: ClockMode,
  probeKvm: () => KvmProbe = () => loadAddon().kvmProbe(),
): EngineChoice {
  const refusal = engineRefusal(wanted, clock, [...ENGINES, AUTO]);
  if (refusal !== null) throw new HypervisorError(`engine ${refusal}`, 'ERR_INVALID');
  if (wanted === 'kvm') return onKvm(probeKvm());
  if (wanted !== AUTO) return soft(null);
  if (clock.kind === 'virtual') return soft('engine soft: the virtual clock needs it');
  const probe = probeKvm();
  return probe.available ? onKvm(probe) : soft(`engine soft: ${probe.reason}`);
}

function soft(notice: string | null): EngineChoice {
  return { engine: 'soft', tscHz: null, notice };
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
