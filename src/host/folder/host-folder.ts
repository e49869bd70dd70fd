// SPDX-License-Identifier: BSD-2-Clause
/** A folder of this host as a guest's shared folder. Nothing outside of it can be reached; the native layer sees to that. */
import type {
  FileAttributes,
  FolderBackend,
  FolderSpace,
  Handle,
  NewTime,
} from '../../../devices/virtio/ninep/folder-backend.js';
import { ATTRIBUTE_WORDS, type FolderCalls, SAME_OWNER, SPACE_WORDS, TimeKind } from '../../hypervisor/folder-calls.js';
import { HostError } from '../host-error.js';

const REASONS: Readonly<Record<number, string>> = {
  2: 'there is none',
  13: 'this user may not enter it',
  20: 'it is not a folder',
};

export class HostFolder implements FolderBackend {
  private readonly root: number;
  private readonly words = new BigUint64Array(ATTRIBUTE_WORDS);
  private isOpen = true;

  constructor(
    path: string,
    private readonly calls: FolderCalls,
  ) {
    this.root = calls.openRoot(path);
    if (this.root < 0) {
      throw new HostError(`folder ${path}`, `cannot share it: ${REASONS[-this.root] ?? `error ${-this.root}`}`);
    }
  }

  stat(path: string): FileAttributes | number {
    const error = this.calls.stat(this.root, path, this.words);
    return error < 0 ? error : attributes(this.words);
  }

  statFile(handle: Handle): FileAttributes | number {
    const error = this.calls.statFile(this.root, handle, this.words);
    return error < 0 ? error : attributes(this.words);
  }

  open(path: string, flags: number): Handle {
    return this.calls.open(this.root, path, flags);
  }

  create(path: string, flags: number, mode: number): Handle {
    return this.calls.create(this.root, path, flags, mode);
  }

  closeFile(handle: Handle): void {
    this.calls.close(handle);
  }

  read(handle: Handle, offset: bigint, bytes: Uint8Array): number {
    return this.calls.read(handle, offset, bytes);
  }

  write(handle: Handle, offset: bigint, bytes: Uint8Array): number {
    return this.calls.write(handle, offset, bytes);
  }

  sync(handle: Handle, onlyData: boolean): number {
    return this.calls.sync(handle, onlyData);
  }

  list(handle: Handle, isRoot: boolean): Uint8Array | number {
    return this.calls.list(this.root, handle, isRoot);
  }

  makeFolder(path: string, mode: number): number {
    return this.calls.makeFolder(this.root, path, mode);
  }

  symlink(path: string, target: string): number {
    return this.calls.symlink(this.root, path, target);
  }

  link(from: string, to: string): number {
    return this.calls.link(this.root, from, to);
  }

  rename(from: string, to: string): number {
    return this.calls.rename(this.root, from, to);
  }

  remove(path: string, isFolder: boolean): number {
    return this.calls.remove(this.root, path, isFolder);
  }

  readLink(path: string): string | number {
    const target = this.calls.readLink(this.root, path);
    return typeof target === 'number' ? target : Buffer.from(target).toString('latin1');
  }

  setMode(path: string, mode: number): number {
    return this.calls.setMode(this.root, path, mode);
  }

  setOwner(path: string, uid: number | null, gid: number | null): number {
    return this.calls.setOwner(this.root, path, uid ?? SAME_OWNER, gid ?? SAME_OWNER);
  }

  setTimes(path: string, accessed: NewTime, modified: NewTime): number {
    return this.calls.setTimes(this.root, path, BigUint64Array.from([...timeWords(accessed), ...timeWords(modified)]));
  }

  setSize(path: string, size: bigint): number {
    return this.calls.setSize(this.root, path, size);
  }

  setFileSize(handle: Handle, size: bigint): number {
    return this.calls.setFileSize(handle, size);
  }

  space(): FolderSpace | number {
    const words = new BigUint64Array(SPACE_WORDS);
    const error = this.calls.space(this.root, words);
    if (error < 0) return error;
    const [blockSize = 0n, blocks = 0n, free = 0n, available = 0n, files = 0n, freeFiles = 0n, nameLength = 0n] = words;
    const small = { blockSize: Number(blockSize), nameLength: Number(nameLength) };
    return { ...small, blocks, free, available, files, freeFiles };
  }

  close(): void {
    if (this.isOpen) this.calls.close(this.root);
    this.isOpen = false;
  }
}

function attributes(words: BigUint64Array): FileAttributes {
  const word = (index: number): bigint => words[index] ?? 0n;
  const time = (index: number) => ({ seconds: word(index), nanoseconds: word(index + 1) });
  return {
    mode: Number(word(0)),
    uid: Number(word(1)),
    gid: Number(word(2)),
    links: word(3),
    device: word(4),
    size: word(5),
    blockSize: word(6),
    blocks: word(7),
    accessed: time(8),
    modified: time(10),
    changed: time(12),
    born: word(14),
    file: word(15),
  };
}

function timeWords(time: NewTime): [bigint, bigint, bigint] {
  if (time === 'keep') return [TimeKind.KEEP, 0n, 0n];
  if (time === 'now') return [TimeKind.NOW, 0n, 0n];
  return [TimeKind.GIVEN, time.seconds, time.nanoseconds];
}
