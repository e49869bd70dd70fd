// SPDX-License-Identifier: BSD-2-Clause
import { getSystemErrorMap } from 'node:util';

/** Something of the host that cannot be had: one line naming it and what is wrong with it. */
export class HostError extends Error {
  constructor(subject: string, problem: string, options?: ErrorOptions) {
    super(`${subject}: ${problem}`, options);
    this.name = 'HostError';
  }
}

/** What the operating system says went wrong, in its words and without Node's: `no such file or directory`. */
export function systemReason(error: unknown): string {
  const { errno, message } = (error ?? {}) as { errno?: unknown; message?: unknown };
  const reason = typeof errno === 'number' ? getSystemErrorMap().get(errno)?.[1] : undefined;
  return reason ?? String(message ?? error);
}

/** An error number of the system's calls, as its name and in words. */
export function systemErrorText(errno: number): { readonly code: string; readonly text: string } {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`error ${errno}`, `error ${errno}`];
  return { code, text };
}
