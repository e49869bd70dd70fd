// SPDX-License-Identifier: BSD-2-Clause
/**
 * A process whose guest writes to two disks while it is saved and resumed, `<life> <folder>`. It prints what it would promise
 * its user: `there <name>`, `running <name>` once a suspend's machine runs, `gone <name>`, `flushed <number of requests>`,
 * `restoring <name>` before its disks go back to a snapshot, and `failed <why>` before it ends early.
 */
import { writeFileSync, writeSync } from 'node:fs';
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

/** `<step> <fault>`: while this step is made, the fault is what test/native/crash-shim is told. */
const { VM_DISK_FAULT: wanted = '', CRASH_SHIM_FAULT: faults = '' } = process.env;
const [, faultyStep = '0', fault = ''] = /^([0-9]+) (.*)$/.exec(wanted) ?? [];

class Life {
  private readonly store: SnapshotStore;
  private steps = 0;

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
    this.step(
      () => saveMachine(machine, this.store, name),
      () => this.runOn(machine),
    );
    say('there', name);
  }

  /** No fault is made here, because the guest writes meanwhile. */
  live(machine: Machine, name: string): void {
    saveLive(machine, this.store, name);
    say('there', name);
    if (machine.state === 'running') machine.pause();
  }

  suspend(machine: Machine, name: string): void {
    this.step(
      () => saveMachine(machine, this.store, name, { kind: 'suspend' }),
      () => this.runOn(machine),
    );
    machine.close();
    say('there', name);
  }

  resume(name: string, keep = false): Machine {
    const { kind } = this.store.open(name).manifest;
    const isSuspend = kind === 'suspend' && !keep;
    if (kind !== 'suspend') say('restoring', name);
    const resumed = this.step(() => {
      const loaded = ResumedMachine.load({ store: this.store.root, name, keep, overrides: {} }, {});
      loaded.machine.resume();
      return loaded;
    });
    if (isSuspend) say('running', name);
    resumed.machine.pause();
    this.run(resumed.machine);
    while (isSuspend && this.store.list().some((entry) => entry.name === name)) resumed.poll(fail);
    if (isSuspend) say('gone', name);
    return resumed.machine;
  }

  remove(name: string): void {
    say('leaving', name);
    this.step(() => this.store.remove(name));
    say('gone', name);
  }

  /** What fails says so in one line. */
  private step<T>(work: () => T, afterFailure: () => void = () => {}): T {
    this.steps += 1;
    const isFaulty = String(this.steps) === faultyStep;
    try {
      if (isFaulty) writeFileSync(faults, `step ${fault}`);
      return work();
    } catch (error) {
      const { name, message } = error as Error;
      if (!isFaulty || name !== 'SnapshotError' || message.includes('\n')) throw error;
      writeFileSync(faults, 'none 0 0 once');
      afterFailure();
      say('failed', message);
      return process.exit(0);
    } finally {
      if (isFaulty) writeFileSync(faults, 'none 0 0 once');
    }
  }

  private runOn(machine: Machine): void {
    advance(machine, machine.time + MS);
    checkContent(machine);
    machine.close();
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
