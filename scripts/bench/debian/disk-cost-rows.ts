// SPDX-License-Identifier: BSD-2-Clause
/** What a request of the guest's disk costs the host's processors, beside running the guest. */
import type { Row } from '../report.js';
import { type DebianBench, scratchDisk } from './debian-vm.js';
import { fioResult, fioWords } from './fio.js';
import { type CostJob, hostCostRows } from './host-cost.js';

const SECONDS = 10;

const job = (name: string, kind: string, depth: number): CostJob => ({
  name: `4 KiB ${name}, depth ${depth}`,
  command: fioWords(kind, '4k', depth, SECONDS).join(' '),
  unit: 'µs/IO',
  count: (output) => fioResult(output).requests,
});

const JOBS = [job('reads', 'randread', 1), job('reads', 'randread', 32), job('writes', 'randwrite', 32)];

export async function* diskCostRows(bench: DebianBench): AsyncIterable<Row> {
  yield* hostCostRows({ devices: { scratch: scratchDisk(bench.folder) }, prepare: 'true', jobs: JOBS }, bench);
}
