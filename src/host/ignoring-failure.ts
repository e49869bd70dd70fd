// SPDX-License-Identifier: BSD-2-Clause

/** Does what may fail without harm: the next opening of a disk finishes it. */
export function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // There is nobody to tell: the work that this belongs to has its own outcome.
  }
}
