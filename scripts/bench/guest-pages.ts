// SPDX-License-Identifier: BSD-2-Clause
/** Memory of a process beyond its guest's: proc(5), /proc/PID/smaps. */
import { readFileSync } from 'node:fs';
import { BenchError } from './bench-error.js';
import { GUEST_MIB } from './programs.js';

const KIB_A_MIB = 1024;
/** A mapping of guest RAM may have been merged with small neighbours. */
const SLACK_KIB = 16 * KIB_A_MIB;

interface Mapping {
  readonly size: number;
  readonly resident: number;
}

/** MiB resident in the process, without the guest pages that were touched. */
export function memoryBeyondGuest(pid: number): number {
  const mappings = parseSmaps(readFileSync(`/proc/${pid}/smaps`, 'latin1'));
  const guest = mappings.filter(
    ({ size }) => size >= GUEST_MIB * KIB_A_MIB && size < GUEST_MIB * KIB_A_MIB + SLACK_KIB,
  );
  const ram = guest.reduce((most, mapping) => Math.max(most, mapping.resident), 0);
  if (ram === 0) throw new BenchError(`process ${pid} has no mapping of ${GUEST_MIB} MiB: where is its guest's RAM?`);
  return (mappings.reduce((sum, { resident }) => sum + resident, 0) - ram) / KIB_A_MIB;
}

export function parseSmaps(text: string): Mapping[] {
  const rows = text.matchAll(/^([0-9a-f]+)-[0-9a-f]+ .*?^Size: +(\d+) kB$.*?^Rss: +(\d+) kB$/gms);
  // One that grows while the kernel writes this may come twice.
  const byStart = new Map<string | undefined, Mapping>();
  for (const [, start, size, resident] of rows) byStart.set(start, { size: Number(size), resident: Number(resident) });
  return [...byStart.values()];
}
