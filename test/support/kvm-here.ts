// SPDX-License-Identifier: BSD-2-Clause
import { isAddonBuilt, type KvmProbe } from '../../src/hypervisor/addon.js';
import { probeKvm } from '../../src/hypervisor/kvm-speed.js';

/** This host's KVM, or why tests that need one are skipped. A KVM that emulates ring 0 serves small guests well enough. */
export type KvmHere = { readonly probe: KvmProbe } | { readonly skipped: string };

export function kvmHere(): KvmHere {
  if (!isAddonBuilt()) return { skipped: 'skipped: the native addon is not built' };
  const probe = probeKvm();
  return probe.instructionsPerSecond > 0 ? { probe } : { skipped: `skipped: ${probe.reason}` };
}

/** The TSC rate a machine or an engine is to be given: null where any can be had. */
export function kvmTscHz({ tscScalable, tscHz }: KvmProbe): bigint | null {
  return tscScalable ? null : tscHz;
}
