// SPDX-License-Identifier: BSD-2-Clause
/** One signal at one moment in the life of the command, and what must have come of it. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../host/support/fake-line.js';
import { POWER_OFF } from './echo-guest.js';
import { LAUNCHER, Run } from './run.js';

export type TrialSignal = 'SIGUSR1' | 'SIGUSR2' | 'SIGTERM';

/** Boots the echo guest `kernel`, and sends the signal `delay` milliseconds after the command holds signals. */
export async function signalTrial(folder: string, kernel: string, signal: TrialSignal, delay: number): Promise<void> {
  const store = mkdtempSync(join(folder, 'trial-'));
  const run = new Run({ program: LAUNCHER }, '-m', '16', '--kernel', kernel, '-l', 'com1,stdio', '--store', store);
  const pid = run.child.pid ?? 0;
  await until(() => holdsSignals(pid));
  await new Promise((done) => setTimeout(done, delay));
  run.child.kill(signal);
  await answered(run, signal, pid);
  expect(run.err).not.toMatch(/Debugger listening|Starting inspector/);
  switch (signal) {
    case 'SIGUSR1':
      expect(await run.end()).toEqual({ status: 5, signal: null });
      expect(run.err).toMatch(/^tsbhyve: suspended as vm-1: /);
      await goesOn(run, store, 'vm-1');
      break;
    case 'SIGUSR2':
      expect(run.err).toMatch(/^tsbhyve: snapshot vm-1: /);
      run.type(`x${POWER_OFF}`);
      expect(await run.end()).toEqual({ status: 1, signal: null });
      expect(run.out).toBe('UP\nx');
      expect(readdirSync(store)).toEqual(['vm-1']);
      break;
    case 'SIGTERM':
      expect(run.err).toMatch(/^tsbhyve: the guest does not listen to the power button; /);
      run.type(POWER_OFF);
      expect(await run.end()).toEqual({ status: 1, signal: null });
      break;
  }
  rmSync(store, { recursive: true });
}

/** Nothing of the guest is lost, whenever it was suspended. */
async function goesOn(first: Run, store: string, name: string): Promise<void> {
  const second = new Run({ program: LAUNCHER }, '-r', name, '--store', store, '-l', 'com1,stdio');
  second.type(`x${POWER_OFF}`);
  expect(await second.end()).toEqual({ status: 1, signal: null });
  expect(first.out + second.out).toBe('UP\nx');
}

/** Waits for a line, and looks for listening sockets all the while. */
async function answered(run: Run, signal: TrialSignal, pid: number): Promise<void> {
  let over = false;
  const answer = run
    .until(() => run.err.includes('\n'))
    .finally(() => {
      over = true;
    });
  while (!over) {
    expect({ signal, listening: listeningSockets([pid, ...childrenOf(pid)]) }).toEqual({ signal, listening: [] });
    await new Promise((done) => setTimeout(done, 5));
  }
  await answer;
}

/** Its first act. Before that the kernel has its way. */
function holdsSignals(pid: number): boolean {
  const [, mask] = /^SigBlk:\t([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  const SIGUSR1 = 10;
  return ((BigInt(`0x${mask}`) >> BigInt(SIGUSR1 - 1)) & 1n) === 1n;
}

function childrenOf(pid: number): number[] {
  const text = ifThere(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')) ?? '';
  return text.split(' ').filter(Boolean).map(Number);
}

/** Addresses as the kernel writes them, of TCP sockets that these processes listen on. */
function listeningSockets(pids: readonly number[]): string[] {
  const LISTEN = '0A';
  const listening = new Map<string, string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const row of (ifThere(() => readFileSync(table, 'latin1')) ?? '').split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
      if (state === LISTEN) listening.set(`socket:[${inode}]`, local ?? '');
    }
  }
  return pids.flatMap((pid) => {
    const fds = ifThere(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
    return fds.flatMap((fd) => listening.get(ifThere(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '') ?? []);
  });
}

/** Processes end while they are looked at. */
function ifThere<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
