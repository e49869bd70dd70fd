// SPDX-License-Identifier: BSD-2-Clause
/** Keeps this process, with all its threads and for ever, to what its VM needs. */
import { loadAddon } from './addon.js';
import { hypervisorError } from './hypervisor-error.js';

/** Absolute paths; one that does not exist is left out. What is open stays open. */
export interface SandboxRules {
  /** Sockets of IPv4 and IPv6 may still be made. */
  readonly network: boolean;
  /** Folders with all that is below, or files. */
  readonly read: readonly string[];
  /** May also be changed, made and removed. */
  readonly write: readonly string[];
  /** Folders in which sockets may be made and removed. */
  readonly sockets: readonly string[];
  /** Folders in which folders may be made, renamed and removed. */
  readonly folders: readonly string[];
}

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
