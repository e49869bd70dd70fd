// SPDX-License-Identifier: BSD-2-Clause
/** Memory of many VMs that go on from one snapshot of a guest whose memory is in use. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from './bench-error.js';
import type { BenchGuest } from './programs.js';
import { atMost, type Row } from './report.js';
import { OurGuest, resumeOurs } from './saved-guests.js';

const CLONES = 16;
const FILLED_MIB = 700;
const MINUTE_MS = 60_000;

export async function cloneRows(guest: BenchGuest, folder: string): Promise<Row[]> {
  const store = join(folder, 'store');
  const vm = await OurGuest.boot(guest, store, 'original');
  vm.running.type(`yes $RANDOM | head -c ${FILLED_MIB}m > /root/file; echo FILL"ED"\n`);
  await vm.running.until('FILLED', (text) => text.includes('FILLED'));
  await vm.tick();
  await vm.snapshot('origin');
  const one = proportionalMib(vm.running.pid);
  vm.running.kill();
  const clones = Array.from({ length: CLONES }, (_, index) =>
    resumeOurs(store, 'origin', ['--clone', `clone-${index}`]),
  );
  try {
    for (const clone of clones) await clone.until('output', (text) => text.includes('tick'));
    await new Promise((resolve) => setTimeout(resolve, MINUTE_MS));
    const all = clones.reduce((sum, { pid }) => sum + proportionalMib(pid), 0);
    return [
      { name: `one VM, ${FILLED_MIB} MiB in use`, unit: 'MiB', tsbhyve: one, qemu: null, bar: null },
      {
        name: `${CLONES} clones after a minute`,
        unit: 'MiB',
        tsbhyve: all,
        qemu: null,
        bar: atMost(all, 2 * one, 'twice one'),
      },
    ];
  } finally {
    for (const clone of clones) clone.kill();
  }
}

/** proc(5): what is shared counts in parts. */
function proportionalMib(pid: number): number {
  const [, kib] = /^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')) ?? [];
  if (kib === undefined) throw new BenchError(`process ${pid} has ended`);
  return Number(kib) / 1024;
}
