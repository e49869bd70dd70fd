// SPDX-License-Identifier: BSD-2-Clause
import inspector from 'node:inspector';

/** Ask something of the VM. */
export const VM_SIGNALS = ['SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;
export type VmSignal = (typeof VM_SIGNALS)[number];

/** Collects signals from now on. */
export function rememberSignals(early: VmSignal[]): void {
  for (const signal of VM_SIGNALS) process.on(signal, () => early.push(signal));
  // Started without the flag in main.ts, Node may already have answered a SIGUSR1 with its inspector.
  if (inspector.url() !== undefined && !inspectorWanted()) {
    inspector.close();
    early.push('SIGUSR1');
  }
}

/** Work that keeps the thread busy cannot answer signals: SIGTERM ends it, as it ends any command. */
export function endOnSigterm(early: readonly VmSignal[]): void {
  process.removeAllListeners('SIGTERM');
  if (early.includes('SIGTERM')) process.kill(process.pid, 'SIGTERM');
}

function inspectorWanted(): boolean {
  const words = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(' ')];
  return words.some((word) => /^--inspect(-brk|-wait)?(=|$)/.test(word));
}
