// SPDX-License-Identifier: BSD-2-Clause
/** iperf3 between the guest and the host, through each program's own network and through a tap device. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { BenchError } from '../bench-error.js';
import type { Program } from '../programs.js';
import { measured, type Row } from '../report.js';
import { median } from '../statistics.js';
import { type DebianBench, DebianVm, type Network, PROGRAMS } from './debian-vm.js';

const SECONDS = 10;
const PORT = 5299;
/** Of the user-mode network, and of the tap device (RFC 2544's addresses for benchmarks). */
const USER_HOST = '10.0.2.2';
const TAP_HOST = '198.18.0.1';
const TAP_GUEST = '198.18.0.2';

const DIRECTIONS = [
  { name: 'guest to host', words: '' },
  { name: 'host to guest', words: '-R' },
];

interface Iperf {
  readonly error?: string;
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

const UNIT = 'Mbit/s';

export async function* netRows(bench: DebianBench): AsyncIterable<Row> {
  const server = spawn('iperf3', ['-s', '-p', String(PORT)], { stdio: 'ignore' });
  server.on('error', () => {}); // reported below: there is no rate without it
  try {
    if (spawnSync('iperf3', ['--version']).error) throw new BenchError("iperf3 is missing: it is in Debian's iperf3");
    yield* ratesOver('user', 'user-mode network', USER_HOST, bench);
    if (process.getuid?.() === 0) yield* overTap(bench);
  } finally {
    server.kill('SIGKILL');
  }
}

async function* overTap(bench: DebianBench): AsyncIterable<Row> {
  const tap = `tsbench${process.pid % 100_000}`;
  const ip = (...words: string[]): unknown => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  ip('tuntap', 'add', tap, 'mode', 'tap');
  try {
    ip('addr', 'add', `${TAP_HOST}/24`, 'dev', tap);
    ip('link', 'set', tap, 'up');
    yield* ratesOver({ tap }, 'tap', TAP_HOST, bench);
  } finally {
    ip('link', 'del', tap);
  }
}

async function* ratesOver(network: Network, title: string, host: string, bench: DebianBench): AsyncIterable<Row> {
  const rates = new Map<string, number[]>();
  const key = (program: Program['name'], direction: string): string => `${program} ${direction}`;
  for (let run = 1; run <= bench.runs; run += 1) {
    for (const program of PROGRAMS) {
      bench.progress(`iperf3 over ${title} under ${program.name}, ${run} of ${bench.runs}`);
      const vm = await DebianVm.boot(program, bench.folder, { network });
      try {
        await vm.shell.login();
        await vm.shell.ask(addressOf(network));
        for (const { name, words } of DIRECTIONS) {
          const output = await vm.shell.ask(`iperf3 -J -c ${host} -p ${PORT} -t ${SECONDS} ${words}`);
          const found = rate(output);
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

/** A tap has no DHCP server behind it. */
function addressOf(network: Network): string {
  if (network === 'user') return 'until ip route | grep -q ^default; do sleep 0.2; done';
  const card = '$(ls /sys/class/net | grep -v ^lo | head -n 1)';
  return `systemctl stop systemd-networkd.socket systemd-networkd; ip link set ${card} up; ip addr add ${TAP_GUEST}/24 dev ${card}`;
}

function rate(output: string): number {
  const text = output.slice(output.indexOf('{'));
  const { error, end } = JSON.parse(text) as Iperf; // as iperf3's manual has it
  if (error !== undefined) throw new BenchError(`iperf3 in the guest: ${error}`);
  return end.sum_received.bits_per_second / 1e6;
}
