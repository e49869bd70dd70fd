// SPDX-License-Identifier: BSD-2-Clause

/** Refused or failed: one line for a person. */
export class CtlError extends Error {
  override readonly name = 'CtlError';
}
