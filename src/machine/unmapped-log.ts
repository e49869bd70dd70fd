// SPDX-License-Identifier: BSD-2-Clause
import { hex } from '../core/bits.js';
import type { Logger } from '../core/log.js';
import type { UnmappedAccess } from '../core/port-bus.js';
import type { StopLatch } from './stop.js';

/** Guests probe, and choose the addresses: after this many nobody is told any more. */
const MAX_ADDRESSES = 1000;

/** Stops the machine at the first access to a port that no device answers (bhyve's `-e`). */
export function unmappedStop(stop: StopLatch): UnmappedAccess {
  return (port, width, isWrite, value) => {
    const action = isWrite ? `write of ${hex(value)}` : 'read';
    stop.set({ kind: 'error', message: `port ${hex(port)}: ${width}-byte ${action}, but no device is there (-e)` });
  };
}

/** Logs the first access to each address that no device answers. The bus has read all ones, or dropped the write. */
export function unmappedLog(log: Logger, space: 'port' | 'address'): UnmappedAccess {
  const seen = new Set<number>();
  return (address, width, isWrite, value) => {
    if (seen.has(address) || seen.size >= MAX_ADDRESSES) return;
    seen.add(address);
    const action = isWrite ? `write of ${hex(value)}` : 'read';
    log.info(`${space} ${hex(address)}: ${width}-byte ${action}, but no device is there`);
  };
}
