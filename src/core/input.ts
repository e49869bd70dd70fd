// SPDX-License-Identifier: BSD-2-Clause

/** Something that takes a guest's bytes one by one: a terminal, a file, an array in a test. */
export interface ByteSink {
  write(byte: number): void;
  /** Bytes that it takes now; more are lost. Whoever can wait then does so, until told. Without it, it takes everything. */
  readonly room?: number | undefined;
}
