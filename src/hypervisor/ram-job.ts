// SPDX-License-Identifier: BSD-2-Clause
/** Guest memory to and from files, by native threads: no byte of it passes through JavaScript. */

/** Work on a thread of its own. */
export interface RamJob<Result> {
  /** True once it has ended; waits for that at most so long. */
  wait(milliseconds: number): boolean;
  /** Bytes. */
  done(): number;
  total(): number;
  /** Ends it soon, with the code ECANCELED. */
  cancel(): void;
  /** After the end: what it made, or its failure thrown as an error with a `code`. */
  result(): Result;
}

/** What is known about a RAM file once it is written. */
export interface MadeRam {
  /** Pages in the file, one bit each; the others are zero. */
  readonly stored: Uint8Array;
  /** XXH3-128 of those pages in page order. */
  readonly digest: Uint8Array;
}

export type FileDamage = 'none' | 'truncated' | 'changed';

/** One file of a chain: its descriptor, the pages that it speaks about (null: all), and those that are in it. */
export type RamLayer = readonly [fd: number, present: Uint8Array | null, stored: Uint8Array];

/** The memory of one machine. Descriptors are duplicated, so the caller may close its own at once. */
export interface RamTransfer {
  /** Writes memory, or only the pages in `present`, and syncs the file. Memory must stand still. */
  write(fd: number, present: Uint8Array | null): RamJob<MadeRam>;
  /**
   * Writes pages (null: all) of memory that may change meanwhile over what earlier rounds have put into the file, and
   * adds those that are not zero to the pages `stored` so far. `sealRam` ends what such rounds have begun.
   */
  copy(fd: number, pages: Uint8Array | null, stored: Uint8Array): RamJob<MadeRam>;
  /** Reads a layer over what memory holds, and compares its digest. */
  read(layer: RamLayer, digest: Uint8Array): RamJob<null>;
  /** Maps a full file in place of memory. The function tells what has become of the file under the machine. */
  map(fd: number): () => FileDamage;
}
