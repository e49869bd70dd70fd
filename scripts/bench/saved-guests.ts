// SPDX-License-Identifier: BSD-2-Clause
/** Guests of 1 GiB that are saved and go on, under tsbhyve and under QEMU. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ControlClient, type SavedAnswer } from '../../src/cli/ctl/control-client.js';
import { PROMPT } from '../quickstart/initramfs.js';
import { BenchError } from './bench-error.js';
import { type BenchGuest, PROGRAM, qemu, tsbhyve } from './programs.js';
import { QemuMonitor } from './qemu-monitor.js';
import { RunningGuest } from './running-guest.js';

export const SAVED_MIB = 1024;
/** Says something every 5 ms, so that its going on is seen at once. */
const TICKING = 'i=0; while :; do i=$((i+1)); echo tick $i; usleep 5000; done\n';
const SOME_TICKS = 'tick 20\r';

/** A tsbhyve whose guest stands at its prompt. */
export class OurGuest {
  readonly client: ControlClient;

  private constructor(
    readonly running: RunningGuest,
    readonly name: string,
  ) {
    this.client = new ControlClient(name);
  }

  static async boot(guest: BenchGuest, store: string, name: string): Promise<OurGuest> {
    const running = new RunningGuest(tsbhyve.command(guest, { mib: SAVED_MIB, more: ['--store', store, name] }));
    await atPrompt(running);
    return new OurGuest(running, name);
  }

  async tick(): Promise<void> {
    this.running.type(TICKING);
    await this.running.until('ticks', (text) => text.includes(SOME_TICKS));
  }

  snapshot(name: string, options: { parent?: string; live?: boolean } = {}): Promise<SavedAnswer> {
    return this.client.save('/snapshot', { name, ...options });
  }

  /** Milliseconds until the suspend is durable. */
  async suspend(name: string): Promise<number> {
    const start = performance.now();
    await this.client.save('/suspend', { name });
    const milliseconds = performance.now() - start;
    await this.running.ended();
    return milliseconds;
  }
}

/** Starts from a snapshot; `more` are further words. */
export function resumeOurs(store: string, snapshot: string, more: readonly string[] = []): RunningGuest {
  const words = ['--store', store, '-r', snapshot, '-l', 'com1,stdio', ...more];
  return new RunningGuest([process.execPath, PROGRAM, ...words]);
}

/** A QEMU whose guest stands at its prompt, with a disk that takes snapshots. */
export class TheirGuest {
  private constructor(
    readonly running: RunningGuest,
    readonly monitor: QemuMonitor,
  ) {}

  static async boot(guest: BenchGuest, folder: string): Promise<TheirGuest> {
    const disk = diskIn(folder);
    const made = spawnSync('qemu-img', ['create', '-f', 'qcow2', disk, '4G']);
    if (made.status !== 0) throw new BenchError('qemu-img is not installed: it is in Debian’s package qemu-utils');
    const running = startTheirs(guest, folder);
    await atPrompt(running);
    return new TheirGuest(running, await QemuMonitor.open(socketIn(folder)));
  }

  async tick(): Promise<void> {
    this.running.type(TICKING);
    await this.running.until('ticks', (text) => text.includes(SOME_TICKS));
  }

  async quit(): Promise<void> {
    this.monitor.close();
    this.running.kill();
    await this.running.ended();
  }
}

export function startTheirs(guest: BenchGuest, folder: string, more: readonly string[] = []): RunningGuest {
  const drive = ['-drive', `if=none,format=qcow2,file=${diskIn(folder)}`];
  const words = [...drive, ...QemuMonitor.options(socketIn(folder)), ...more];
  return new RunningGuest(qemu.command(guest, { mib: SAVED_MIB, more: words }));
}

async function atPrompt(running: RunningGuest): Promise<void> {
  await running.until('prompt', (text) => text.includes(PROMPT));
}

function diskIn(folder: string): string {
  return join(folder, 'states.qcow2');
}

function socketIn(folder: string): string {
  return join(folder, 'monitor');
}
