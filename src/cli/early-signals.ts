// SPDX-License-Identifier: BSD-2-Clause
import inspector from 'node:inspector';

export const VM_SIGNALS = ['SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;
export type VmSignal = (typeof VM_SIGNALS)[number];

/** Collects signals from now on. Started without the flag of main.ts, Node may have an inspector open: that was a SIGUSR1. */
export function rememberSignals(early: VmSignal[]): void {
  for (const signal of VM_SIGNALS) process.on(signal, () => early.push(signal));
  const debugged = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((word) =>
    /--inspect(-brk|-wait)?\b(?!-)/.test(word),
  );
  if (inspector.url() !== undefined && !debugged) {
    inspector.close();
    early.push('SIGUSR1');
  }
}
