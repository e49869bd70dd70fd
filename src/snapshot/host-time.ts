// SPDX-License-Identifier: BSD-2-Clause

/** The host's wall clock in nanoseconds since 1970; it steps in milliseconds. */
export function hostTime(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
