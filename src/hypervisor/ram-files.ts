// SPDX-License-Identifier: BSD-2-Clause
/** Memory files without a machine, and their locks. */
import { loadAddon } from './addon.js';
import { hypervisorError } from './hypervisor-error.js';
import type { MadeRam, RamJob, RamLayer } from './ram-job.js';

/** Compares a file with its digest. */
export function verifyRam(
  segments: readonly number[],
  fd: number,
  stored: Uint8Array,
  digest: Uint8Array,
): RamJob<null> {
  return guarded(() => loadAddon().snapshot.verifyRam(lengths(segments), fd, stored, digest));
}

/** Ends a file that rounds of `RamTransfer.copy` have filled: its digest is made, and it is synced. */
export function sealRam(segments: readonly number[], fd: number, stored: Uint8Array): RamJob<MadeRam> {
  return guarded(() => loadAddon().snapshot.sealRam(lengths(segments), fd, stored));
}

/** Makes one full file of a chain that starts with the newest layer. */
export function mergeRam(segments: readonly number[], fd: number, layers: readonly RamLayer[]): RamJob<MadeRam> {
  return guarded(() => loadAddon().snapshot.mergeRam(lengths(segments), fd, layers));
}

/** Takes a lock that ends with the last descriptor of this opening. False if somebody else has it. */
export function lockFile(fd: number, kind: 'shared' | 'exclusive'): boolean {
  return guarded(() => loadAddon().snapshot.lockFile(fd, kind === 'exclusive', false));
}

/** Takes it exclusively as soon as nobody else has it, and blocks the thread until then: for locks that are held briefly. */
export function waitForLock(fd: number): void {
  guarded(() => loadAddon().snapshot.lockFile(fd, true, true));
}

function lengths(segments: readonly number[]): BigUint64Array {
  return BigUint64Array.from(segments, BigInt);
}

function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw hypervisorError('snapshot', cause);
  }
}
