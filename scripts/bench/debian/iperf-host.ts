// SPDX-License-Identifier: BSD-2-Clause
/** The host's end of the guest's network: a server of iperf3, and the networks through which a guest reaches it. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { BenchError } from '../bench-error.js';
import type { Network } from './debian-vm.js';
import { PORT } from './iperf.js';

/** Of the user-mode network, and of the tap device (RFC 2544's addresses for benchmarks). */
const USER_HOST = '10.0.2.2';
const TAP_HOST = '198.18.0.1';
const TAP_GUEST = '198.18.0.2';

export interface HostNetwork {
  readonly title: string;
  readonly network: Network;
  /** Where the guest finds the server. */
  readonly host: string;
  /** What gives the guest its address. */
  readonly prepare: string;
}

const USER: HostNetwork = {
  title: 'user-mode network',
  network: 'user',
  host: USER_HOST,
  prepare: 'until ip route | grep -q ^default; do sleep 0.2; done',
};

/** One after the other, with the server there; a tap for root only. */
export async function* hostNetworks(): AsyncIterable<HostNetwork> {
  const server = spawn('iperf3', ['-s', '-p', String(PORT)], { stdio: 'ignore' });
  server.on('error', () => {}); // reported below: there is no rate without it
  try {
    if (spawnSync('iperf3', ['--version']).error) throw new BenchError("iperf3 is missing: it is in Debian's iperf3");
    yield USER;
    if (process.getuid?.() === 0) yield* throughTap();
  } finally {
    server.kill('SIGKILL');
  }
}

function* throughTap(): Iterable<HostNetwork> {
  const tap = `tsbench${process.pid % 100_000}`;
  const ip = (...words: string[]): unknown => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  ip('tuntap', 'add', tap, 'mode', 'tap');
  try {
    ip('addr', 'add', `${TAP_HOST}/24`, 'dev', tap);
    ip('link', 'set', tap, 'up');
    yield { title: 'tap', network: { tap }, host: TAP_HOST, prepare: ADDRESS_ON_TAP };
  } finally {
    ip('link', 'del', tap);
  }
}

/** A tap has no DHCP server behind it. */
const CARD = '$(ls /sys/class/net | grep -v ^lo | head -n 1)';
const ADDRESS_ON_TAP =
  'systemctl stop systemd-networkd.socket systemd-networkd; ' +
  `ip link set ${CARD} up; ip addr add ${TAP_GUEST}/24 dev ${CARD}`;
