// SPDX-License-Identifier: BSD-2-Clause
/** iperf3 between the guest and the host, through each program's own network and through a tap device. */
import type { Program } from '../programs.js';
import { measured, type Row } from '../report.js';
import { median } from '../statistics.js';
import { type DebianBench, DebianVm, PROGRAMS } from './debian-vm.js';
import { iperfCommand, iperfResult } from './iperf.js';
import { type HostNetwork, hostNetworks } from './iperf-host.js';

const SECONDS = 10;
const UNIT = 'Mbit/s';

const DIRECTIONS = [
  { name: 'guest to host', words: '' },
  { name: 'host to guest', words: '-R' },
];

export async function* netRows(bench: DebianBench): AsyncIterable<Row> {
  for await (const way of hostNetworks()) yield* ratesOver(way, bench);
}

async function* ratesOver({ title, network, host, prepare }: HostNetwork, bench: DebianBench): AsyncIterable<Row> {
  const rates = new Map<string, number[]>();
  const key = (program: Program['name'], direction: string): string => `${program} ${direction}`;
  for (let run = 1; run <= bench.runs; run += 1) {
    for (const program of PROGRAMS) {
      bench.progress(`iperf3 over ${title} under ${program.name}, ${run} of ${bench.runs}`);
      const vm = await DebianVm.boot(program, bench.folder, { network });
      try {
        await vm.shell.login();
        await vm.shell.ask(prepare);
        for (const { name, words } of DIRECTIONS) {
          const output = await vm.shell.ask(iperfCommand(host, SECONDS, words));
          const found = iperfResult(output).bitsPerSecond / 1e6;
          bench.progress(measured(name, program.name, found, UNIT));
          rates.set(key(program.name, name), [...(rates.get(key(program.name, name)) ?? []), found]);
        }
      } finally {
        vm.kill();
      }
    }
  }
  const of = (program: Program['name'], direction: string): number => median(rates.get(key(program, direction)) ?? []);
  for (const { name } of DIRECTIONS) {
    const values = { tsbhyve: of('tsbhyve', name), qemu: of('QEMU', name) };
    yield { name: `iperf3 over ${title}, ${name}`, unit: UNIT, ...values, bar: null };
  }
}
