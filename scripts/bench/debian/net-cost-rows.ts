// SPDX-License-Identifier: BSD-2-Clause
/**
 * What the guest's network card costs the host's processors, beside running the guest: for long data, where segments go
 * uncut, and for small packets, of which either program is given the same number in a second.
 */
import type { Row } from '../report.js';
import type { DebianBench } from './debian-vm.js';
import { type CostJob, hostCostRows } from './host-cost.js';
import { iperfCommand, iperfResult } from './iperf.js';
import { type HostNetwork, hostNetworks } from './iperf-host.js';

const SECONDS = 10;
const MIB = 1024 * 1024;
/** 64 bytes in each, so some 3,900 a second: what either guest can send and take. */
const SMALL_PACKETS = '-u -l 64 -b 2M';

const DIRECTIONS = [
  { name: 'guest to host', words: '' },
  { name: 'host to guest', words: '-R' },
];

export async function* netCostRows(bench: DebianBench): AsyncIterable<Row> {
  for await (const way of hostNetworks()) {
    const { network, prepare } = way;
    yield* hostCostRows({ devices: { network }, prepare, jobs: jobsOver(way) }, bench);
  }
}

function jobsOver({ title, host }: HostNetwork): CostJob[] {
  return DIRECTIONS.flatMap(({ name, words }) => [
    {
      name: `TCP over ${title}, ${name}`,
      command: iperfCommand(host, SECONDS, words),
      unit: 'µs/MiB',
      count: (output: string) => iperfResult(output).bytes / MIB,
    },
    {
      name: `64-byte UDP over ${title}, ${name}`,
      command: iperfCommand(host, SECONDS, `${SMALL_PACKETS} ${words}`),
      unit: 'µs/packet',
      count: (output: string) => iperfResult(output).packets ?? 0,
    },
  ]);
}
