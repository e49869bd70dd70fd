// SPDX-License-Identifier: BSD-2-Clause
/** iperf3 between the guest and the host, through each program's own network and through a tap device. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { BenchError } from '../bench-error.js';
import type { Program } from '../programs.js';
import type { Row } from '../report.js';
import { median } from '../statistics.js';
import { DebianVm, type Network, PROGRAMS } from './debian-vm.js';

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

export async function netRows(runs: number, folder: string, progress: (text: string) => void): Promise<Row[]> {
  const server = spawn('iperf3', ['-s', '-p', String(PORT)], { stdio: 'ignore' });
  server.on('error', () => {}); // reported below: there is no rate without it
  try {
    if (spawnSync('iperf3', ['--version']).error) throw new BenchError("iperf3 is missing: it is in Debian's iperf3");
    const rows = await ratesOver('user', 'user-mode network', USER_HOST, { runs, folder, progress });
    if (process.getuid?.() !== 0) return rows;
    return [...rows, ...(await overTap({ runs, folder, progress }))];
  } finally {
    server.kill('SIGKILL');
  }
}

interface Bench {
  readonly runs: number;
  readonly folder: string;
  readonly progress: (text: string) => void;
}

async function overTap(bench: Bench): Promise<Row[]> {
  const tap = `tsbench${process.pid % 100_000}`;
  const ip = (...words: string[]): unknown => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  ip('tuntap', 'add', tap, 'mode', 'tap');
  try {
    ip('addr', 'add', `${TAP_HOST}/24`, 'dev', tap);
    ip('link', 'set', tap, 'up');
    return await ratesOver({ tap }, 'tap', TAP_HOST, bench);
  } finally {
    ip('link', 'del', tap);
  }
}

async function ratesOver(network: Network, title: string, host: string, bench: Bench): Promise<Row[]> {
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
          const found = rates.get(key(program.name, name)) ?? [];
          rates.set(key(program.name, name), [...found, rate(output)]);
        }
      } finally {
        vm.kill();
      }
    }
  }
  const of = (program: Program['name'], direction: string): number => median(rates.get(key(program, direction)) ?? []);
  return DIRECTIONS.map(({ name }) => ({
    name: `iperf3 over ${title}, ${name}`,
    unit: 'Mbit/s',
    tsbhyve: of('tsbhyve', name),
    qemu: of('QEMU', name),
    bar: null,
  }));
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
