// SPDX-License-Identifier: BSD-2-Clause
/**
 * A folder of the host behind a shared-folder device; the host layer implements it. Everything is done when a call returns.
 * Paths are names with single slashes between them, '' for the folder itself, a byte in each character; they never hold
 * `..`, and no symbolic link is followed. A number below zero is an error, with the number that Linux gives it.
 */

/** An open file or folder, from `open` or `create`. */
export type Handle = number;

export interface FileAttributes {
  /** With the type of the file, as Linux has it. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: bigint;
  /** Of a device node. */
  readonly device: bigint;
  readonly size: bigint;
  readonly blockSize: bigint;
  /** Of 512 bytes. */
  readonly blocks: bigint;
  readonly accessed: Timestamp;
  readonly modified: Timestamp;
  readonly changed: Timestamp;
  /** Nanoseconds since 1970 at which the file was made; 0 if nobody knows. */
  readonly born: bigint;
  /** Tells it from all others of the folder. */
  readonly file: bigint;
}

export interface Timestamp {
  readonly seconds: bigint;
  readonly nanoseconds: bigint;
}

export type NewTime = 'keep' | 'now' | Timestamp;

export interface FolderSpace {
  readonly blockSize: number;
  readonly blocks: bigint;
  readonly free: bigint;
  readonly available: bigint;
  readonly files: bigint;
  readonly freeFiles: bigint;
  readonly nameLength: number;
}

export interface FolderBackend {
  stat(path: string): FileAttributes | number;
  statFile(handle: Handle): FileAttributes | number;
  /** A regular file or a folder; `flags` are those of 9P2000.L. */
  open(path: string, flags: number): Handle;
  /** A file that was not there. */
  create(path: string, flags: number, mode: number): Handle;
  closeFile(handle: Handle): void;
  read(handle: Handle, offset: bigint, bytes: Uint8Array): number;
  write(handle: Handle, offset: bigint, bytes: Uint8Array): number;
  sync(handle: Handle, onlyData: boolean): number;
  /** Entries in the form of Rreaddir, in the order of their offsets. */
  list(handle: Handle, isRoot: boolean): Uint8Array | number;
  makeFolder(path: string, mode: number): number;
  symlink(path: string, target: string): number;
  link(from: string, to: string): number;
  rename(from: string, to: string): number;
  remove(path: string, isFolder: boolean): number;
  readLink(path: string): string | number;
  setMode(path: string, mode: number): number;
  /** Null: as it is. */
  setOwner(path: string, uid: number | null, gid: number | null): number;
  setTimes(path: string, accessed: NewTime, modified: NewTime): number;
  setSize(path: string, size: bigint): number;
  setFileSize(handle: Handle, size: bigint): number;
  space(): FolderSpace | number;
  close(): void;
}
