// SPDX-License-Identifier: BSD-2-Clause
/** iperf3 between a Debian and its host: one connection in each direction, which has to outlive all that is done meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { DebianGuest } from './debian-guest.js';
import { freePort } from './ssh.js';

const DIRECTIONS: Readonly<Record<string, string>> = { up: '', down: '-R' };
const NAMES = Object.keys(DIRECTIONS);
/** Seconds; what iperf3 takes at most. */
const FOR_EVER = 86_400;
/** All that a client says of itself that was ended from outside. */
const ENDED = 'iperf3: interrupt - the client has terminated';
/** A line tells of a second, which may have begun before what the guest has just been through. */
const LINES = 2;

export interface StreamPlace {
  /** The host as its guest finds it. */
  readonly host: string;
  /** Of each connection, as iperf3 takes it. */
  readonly rate: string;
}

const log = (name: string): string => `/run/stream-${name}.log`;

export class Streams {
  private constructor(private readonly servers: readonly ChildProcess[]) {}

  static async start(guest: DebianGuest, { host, rate }: StreamPlace): Promise<Streams> {
    const servers: ChildProcess[] = [];
    for (const [name, direction] of Object.entries(DIRECTIONS)) {
      const port = String(await freePort());
      servers.push(spawn('iperf3', ['-s', '-p', port], { stdio: 'ignore' }));
      const client = `iperf3 -c ${host} -p ${port} -b ${rate} -t ${FOR_EVER} -i 1 --forceflush ${direction}`;
      // The server may not listen yet.
      const loop = `while :; do ${client} > ${log(name)} 2>&1; grep -q refused ${log(name)} || break; sleep 0.2; done`;
      await guest.ask(`sh -c '${loop}' < /dev/null > /dev/null 2>&1 &`);
    }
    return new Streams(servers);
  }

  /** Until both have moved something in a second that lies after this call. Throws if one of them has ended. */
  async goOn(guest: DebianGuest): Promise<void> {
    const before = await seconds(guest);
    for (;;) {
      const now = await seconds(guest);
      if (now.every((count, index) => count >= (before[index] ?? 0) + LINES)) return;
      const errors = await guest.ask(`grep -hi error ${NAMES.map(log).join(' ')}`);
      if (errors !== '') throw new Error(errors);
      await guest.ask('sleep 1');
    }
  }

  /** Answers what went wrong. */
  async stop(guest: DebianGuest): Promise<string> {
    await guest.ask('pkill -INT -x iperf3; while pgrep -x iperf3; do sleep 0.2; done');
    const said = NAMES.map((name) => `grep ^iperf3: ${log(name)}`).join('; ');
    const lines = (await guest.ask(said)).split('\n');
    return lines.length === NAMES.length ? lines.filter((line) => line !== ENDED).join('\n') : lines.join('\n');
  }

  close(): void {
    for (const server of this.servers) server.kill('SIGKILL');
  }
}

/** In which each connection has moved something. */
async function seconds(guest: DebianGuest): Promise<number[]> {
  const counts = await guest.ask(NAMES.map((name) => `grep -c '[KMG]Bytes' ${log(name)}`).join('; '));
  return counts.split('\n').map(Number);
}
