// SPDX-License-Identifier: BSD-2-Clause
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
