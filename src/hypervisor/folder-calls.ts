// SPDX-License-Identifier: BSD-2-Clause
/** What the native layer can do below a folder (native/hostfs). An error is a negative number, one of Linux's. */

export interface FolderCalls {
  openRoot(path: string): number;
  close(fd: number): void;
  stat(root: number, path: string, words: BigUint64Array): number;
  statFile(root: number, fd: number, words: BigUint64Array): number;
  open(root: number, path: string, flags: number): number;
  create(root: number, path: string, flags: number, mode: number): number;
  makeFolder(root: number, path: string, mode: number): number;
  symlink(root: number, path: string, target: string): number;
  link(root: number, from: string, to: string): number;
  rename(root: number, from: string, to: string): number;
  remove(root: number, path: string, isFolder: boolean): number;
  readLink(root: number, path: string): Uint8Array | number;
  setMode(root: number, path: string, mode: number): number;
  setOwner(root: number, path: string, uid: number, gid: number): number;
  setTimes(root: number, path: string, words: BigUint64Array): number;
  setSize(root: number, path: string, size: bigint): number;
  setFileSize(fd: number, size: bigint): number;
  read(fd: number, offset: bigint, bytes: Uint8Array): number;
  write(fd: number, offset: bigint, bytes: Uint8Array): number;
  sync(fd: number, onlyData: boolean): number;
  list(root: number, fd: number, isRoot: boolean): Uint8Array | number;
  space(root: number, words: BigUint64Array): number;
}

/** The words of `stat`, in their order: struct Attributes in native/hostfs/attributes.h. */
export const ATTRIBUTE_WORDS = 16;
/** Those of `space`: struct Space in native/hostfs/folder.h. */
export const SPACE_WORDS = 7;
/** In `setTimes`, in front of seconds and nanoseconds. */
export const TimeKind = { KEEP: 0n, NOW: 1n, GIVEN: 2n } as const;
/** In `setOwner`: as it is. */
export const SAME_OWNER = 0xffffffff;
