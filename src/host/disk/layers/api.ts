// SPDX-License-Identifier: BSD-2-Clause
/**
 * Disk images whose content at an instant can be kept (docs/decisions/0015-disk-layers.md): what the machine and the
 * snapshots see of them. Everything is synchronous and may be called on the machine's thread; what takes long is a job.
 */

/** By what we notice that a file was changed behind our back. */
export interface FileIdentity {
  readonly bytes: number;
  /** When its content was last written, in nanoseconds since 1970. */
  readonly changed: bigint;
  readonly inode: bigint;
  /** Told and not compared: the same file system has another number after the host was started anew. */
  readonly device: bigint;
}

/** A file that nobody writes to any more. */
export interface FrozenFile {
  /** Its name in `IMAGE.tsbhyve/`; `image`: the image itself. */
  readonly file: string;
  readonly identity: FileIdentity;
}

/** The files that make the disk of one instant. Plain data: `frozenPointField` puts it into a shape. */
export interface FrozenPoint {
  readonly base: FrozenFile;
  /** From the oldest. */
  readonly layers: readonly FrozenFile[];
}

/** Who goes on from the very state that a disk has: a suspend that is not resumed yet. */
export interface DiskOwner {
  /** The snapshot's id, 32 hex digits. */
  readonly id: string;
  /** Its folder. */
  readonly path: string;
}

/** What keeps a frozen point from being removed. */
export interface DiskPin extends DiskOwner {
  readonly point: FrozenPoint;
  /** False until `confirmPin`: the process that makes the snapshot may still fail. */
  readonly confirmed: boolean;
}

/** A state of the disk that a restore of an older one has set aside. */
export interface Stray {
  readonly id: string;
  /** When, in milliseconds since 1970. */
  readonly since: number;
  readonly point: FrozenPoint;
}

export interface OpenOptions {
  readonly readOnly: boolean;
  /** Null: the image's own line; else that of the clone with this name. Such a line begins with an `at`. */
  readonly line?: string | null;
  /** The suspend that is being resumed. An opening for writing of a disk that another suspend owns is refused. */
  readonly resuming?: string | null;
  /**
   * Goes on from a frozen point: the disk shows its content at once, with an empty layer above it. On stable storage nothing
   * has changed until `adopt`, and `close` without it leaves nothing behind.
   */
  readonly at?: FrozenPoint | null;
}

/** An empty layer, on stable storage, that no HEAD names yet. */
export interface PreparedLayer {
  readonly id: string;
  /** Removes it, unless it is in use by now. */
  discard(): void;
}

/** An image that this process has open; `close` lets others have it. */
export interface LayeredDisk {
  /** Without links. */
  readonly path: string;
  readonly line: string | null;
  readonly readOnly: boolean;
  /** No layer is on top: the image itself is written to. */
  readonly isFlat: boolean;
  /** Bytes, a multiple of 512. */
  readonly capacity: number;
  /** Frozen layers under the one that is written to. */
  readonly chainLength: number;
  readonly owner: DiskOwner | null;

  /** Before the stop, so that `freeze` has little left to do. Null where the file system clones instead. */
  prepare(): PreparedLayer | null;
  /**
   * Freezes what the disk holds now, and goes on above it. Nothing may be in flight and everything must be flushed.
   * When this throws the disk is as it was.
   */
  freeze(prepared: PreparedLayer | null): FrozenPoint;
  /** Takes back the latest `freeze`, if nothing was written since: the disk goes on in the layer it had. */
  undoFreeze(point: FrozenPoint): void;
  /**
   * After an opening with `at`, before the first write: from now on this is the disk. What it held before and nobody else
   * keeps becomes a stray, which is answered; null if nothing was set aside.
   */
  adopt(): Stray | null;

  /** The files that make the disk as it is now, the one that is written to among them. Everything must be flushed. */
  present(): FrozenPoint;
  /** Whom the disk belongs to after this process. Flushed it must be, and nothing may be written after this. */
  setOwner(owner: DiskOwner): void;
  /** Before the first write of whoever resumed the owner, or when the owner is removed. Durable on return. */
  clearOwner(): void;

  /** Keeps a point for a snapshot that is being made. `confirmPin` when the snapshot is there. */
  pin(snapshot: DiskOwner, point: FrozenPoint): void;

  /** What a native image is made of. It hears of every change: freezes, merges. */
  attach(stack: LayerStack): void;
  files(): DiskFiles;

  /** Starts to make one of several frozen layers if the chain is long; null if it is not. At most one at a time. */
  startMerge(): DiskJob | null;
  close(): void;
}

export interface LayerHandle {
  readonly fd: number;
  /** 16 bytes. */
  readonly id: Uint8Array;
}

/** Open files; whoever takes them makes duplicates. */
export interface DiskFiles {
  readonly base: number;
  /** From the oldest; the last one is written to. None: the base is written to. */
  readonly layers: readonly LayerHandle[];
}

/** The native image of an open disk. */
export interface LayerStack {
  flush(): void;
  push(layer: LayerHandle): void;
  pop(): void;
  /** One layer takes the place of `count` frozen ones. */
  replace(first: number, count: number, layer: LayerHandle): void;
}

/** Work on a thread of its own, to be polled. */
export interface DiskJob {
  /** True once it has ended; waits for that at most so long. */
  wait(milliseconds: number): boolean;
  /** Bytes. */
  done(): number;
  total(): number;
  cancel(): void;
  /** After the end, on the thread that owns the disk: puts what it made to use, or throws its failure. */
  finish(): void;
}

/** The rest works on an image that anybody may have open, this process or another. */
export interface DiskLayers {
  open(path: string, options: OpenOptions): LayeredDisk;
  /** Who goes on from what a line holds; null if anybody may. */
  ownerOf(path: string, line: string | null): DiskOwner | null;
  /** The pin of a snapshot. Its point is the one to use: `tsbhyve disk rebase` may have accepted other identities. */
  pinOf(path: string, id: string): DiskPin | null;
  /** Makes a pin permanent, or follows a snapshot that was moved. */
  confirmPin(path: string, snapshot: DiskOwner): void;
  /** A second snapshot of a point that one pin keeps already. */
  copyPin(path: string, from: string, to: DiskOwner): void;
  /** Lets go of a point, and removes what nothing needs any more. No such pin is no error. */
  unpin(path: string, id: string): void;
  /** As `LayeredDisk.clearOwner`, for a suspend that is removed. Somebody else's ownership stays. */
  release(path: string, line: string | null, id: string): void;
  /** What keeps a point from being used here, each in one line with its remedy; empty if nothing does. */
  checkPoint(path: string, point: FrozenPoint): string[];
  /** Compares every file of a point with its identity and its digest, and takes the digests that are missing. */
  verifyPoint(path: string, point: FrozenPoint, following?: DiskFollowing): void;
}

export interface DiskFollowing {
  /** Bytes. */
  onProgress?(done: number, total: number): void;
  isCancelled?(): boolean;
}
