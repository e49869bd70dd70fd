// SPDX-License-Identifier: BSD-2-Clause

/** Where a guest's random bytes come from. */
export interface EntropySource {
  fill(bytes: Uint8Array): void;
}
