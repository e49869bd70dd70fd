// SPDX-License-Identifier: BSD-2-Clause
/** Keeps this process, with all its threads and for ever, to what its VM needs. */
import { loadAddon } from './addon.js';
import { hypervisorError } from './hypervisor-error.js';
import type { SandboxRules } from './sandbox-rules.js';

/** What the kernel keeps us to; null if there is no such thing on this system. */
export function sandboxKind(): 'seccomp' | 'seccomp and Landlock' | null {
  const version = loadAddon().sandbox.landlockVersion?.();
  if (version === undefined) return null;
  return version > 0 ? 'seccomp and Landlock' : 'seccomp';
}

export function enterSandbox(rules: SandboxRules): void {
  const { sandbox } = loadAddon();
  if (sandbox.restrict === undefined) throw new Error('there is no sandbox on this system');
  try {
    sandbox.restrict(rules);
  } catch (error) {
    throw hypervisorError('sandbox', error);
  }
}
