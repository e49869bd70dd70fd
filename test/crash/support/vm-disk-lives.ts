// SPDX-License-Identifier: BSD-2-Clause
/**
 * A process whose guest writes to two disks while it is saved and resumed, `<life> <folder>`. It prints what it would promise
 * its user: `there <name>`, `running <name>` once a suspend's machine runs, `gone <name>`, `flushed <number of requests>`,
 * and `failed <why>` before it ends early.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../../../src/machine/machine.js';
import { ResumedMachine } from '../../../src/snapshot/resumed-machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { saveLive } from '../../snapshot/support/live-save.js';
import { buildDiskGuest, checkContent, requestsOf, startDiskGuest } from '../../support/disk-guest.js';
import { advance } from '../../support/proof.js';

const MS = 1_000_000n;
const STDOUT = 1;

export const imagesIn = (folder: string): string[] => [0, 1].map((index) => join(folder, `disk${index}.img`));
export const storeIn = (folder: string): string => join(folder, 'store');

function say(...words: (string | number)[]): void {
  writeSync(STDOUT, `${words.join(' ')}\n`);
}

class Life {
  private readonly store: SnapshotStore;

  constructor(private readonly folder: string) {
    this.store = new SnapshotStore(storeIn(folder));
  }

  boot(): Machine {
    const machine = buildDiskGuest(imagesIn(this.folder));
    startDiskGuest(machine);
    this.run(machine);
    return machine;
  }

  run(machine: Machine): void {
    advance(machine, machine.time + MS);
    const least = Math.min(...requestsOf(machine));
    say('flushed', least - (least % 8));
  }

  save(machine: Machine, name: string): void {
    this.attempt(machine, () => saveMachine(machine, this.store, name));
    say('there', name);
  }

  live(machine: Machine, name: string): void {
    this.attempt(machine, () => saveLive(machine, this.store, name));
    say('there', name);
    if (machine.state === 'running') machine.pause();
  }

  suspend(machine: Machine, name: string): void {
    this.attempt(machine, () => saveMachine(machine, this.store, name, { kind: 'suspend' }));
    machine.close();
    say('there', name);
  }

  /** A save that fails says so in one line, and the guest runs on. */
  private attempt(machine: Machine, save: () => unknown): void {
    try {
      save();
    } catch (error) {
      const { name, message } = error as Error;
      if (name !== 'SnapshotError' || message.includes('\n')) throw error;
      if (machine.state === 'running') machine.pause();
      advance(machine, machine.time + MS);
      checkContent(machine);
      machine.close();
      say('failed', message);
      process.exit(0);
    }
  }

  resume(name: string, keep = false): Machine {
    const isSuspend = this.store.open(name).manifest.kind === 'suspend' && !keep;
    const resumed = ResumedMachine.load({ store: this.store.root, name, keep, overrides: {} }, {});
    resumed.machine.resume();
    if (isSuspend) say('running', name);
    resumed.machine.pause();
    this.run(resumed.machine);
    while (isSuspend && this.store.list().some((entry) => entry.name === name)) resumed.poll(fail);
    if (isSuspend) say('gone', name);
    return resumed.machine;
  }

  remove(name: string): void {
    say('leaving', name);
    this.store.remove(name);
    say('gone', name);
  }
}

export const LIVES: Readonly<Record<string, (life: Life) => void>> = {
  snapshots: (life) => {
    const machine = life.boot();
    life.save(machine, 'one');
    life.run(machine);
    life.live(machine, 'two');
    life.run(machine);
    machine.close();
  },
  suspends: (life) => {
    life.suspend(life.boot(), 'one');
    life.suspend(life.resume('one'), 'two');
    life.resume('two').close();
  },
  kept: (life) => {
    life.suspend(life.boot(), 'one');
    life.resume('one', true).close();
  },
  restores: (life) => {
    const machine = life.boot();
    life.save(machine, 'one');
    life.run(machine);
    life.save(machine, 'two');
    machine.close();
    life.resume('one').close();
    life.resume('two').close();
    life.remove('one');
  },
};

function fail(message: string): never {
  throw new Error(message);
}

const [, program = '', name = '', folder = ''] = process.argv;
if (program.endsWith('vm-disk-lives.js')) LIVES[name]?.(new Life(folder));
