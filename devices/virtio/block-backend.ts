// SPDX-License-Identifier: BSD-2-Clause
/** What stands behind a virtio disk. The host layer implements it; the disk neither knows files nor waits for them. */

export type BlockResult = 'ok' | 'error' | 'unsupported';

/** Called once, on the machine's thread: within `submit`, within `wait`, or between two pieces of the guest's run. */
export type BlockDone = (result: BlockResult) => void;

interface Range {
  /** Bytes from the start of the disk; multiples of 512, and within it. */
  readonly offset: number;
  readonly length: number;
}

/** Guest memory, to be filled or to be stored. The views stay valid until it is done. */
interface Transfer {
  readonly memory: readonly Uint8Array[];
}

interface Change {
  /** Must be on stable storage before it is done, as a flush would leave it. */
  readonly durable: boolean;
}

export type BlockRequest =
  | ({ readonly kind: 'read' } & Range & Transfer)
  | ({ readonly kind: 'write' } & Range & Transfer & Change)
  /** Everything that was done before is on stable storage. */
  | { readonly kind: 'flush' }
  /** The content no longer matters. */
  | ({ readonly kind: 'discard' } & Range & Change)
  /** Reads as zeros from now on, with space given back if `unmap`. */
  | ({ readonly kind: 'zero'; readonly unmap: boolean } & Range & Change);

export interface BlockBackend {
  /** Bytes, a multiple of 512. */
  readonly capacity: number;
  readonly readOnly: boolean;
  /** Bytes that are read and written at once: as the guest is told, and as the medium has it. */
  readonly logicalBlock: number;
  readonly physicalBlock: number;
  readonly canDiscard: boolean;
  /** Differs when the content may have changed behind our back. */
  readonly identity: string;
  /** Snapshots keep the content of this writable disk; without it a machine that has it cannot be saved. */
  readonly isKept?: boolean;
  submit(request: BlockRequest, done: BlockDone): void;
  /** Blocks until at least one request that is in flight is done, and says so to it; there must be one. */
  wait(): void;
  close(): void;
}
