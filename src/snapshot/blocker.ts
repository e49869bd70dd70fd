// SPDX-License-Identifier: BSD-2-Clause

/** Something that would stop a restore. */
export interface Blocker {
  readonly path: string;
  readonly problem: string;
  /** What somebody can do about it. */
  readonly remedy: string;
}
