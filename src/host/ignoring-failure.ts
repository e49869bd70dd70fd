// SPDX-License-Identifier: BSD-2-Clause

/** Does what may fail without harm: the next cleaning finishes it, and the work that it belongs to has its own outcome. */
export function ignoringFailure(work: () => void): void {
  try {
    work();
  } catch {
    // There is nobody to tell.
  }
}
