// SPDX-License-Identifier: BSD-2-Clause
/**
 * A process that does one thing to a store, and says by marks what it would promise its user: `there <name> <digest>` once
 * a snapshot is reported, `leaving <name>` when it may go, `spent <name>` when its machine runs, `gone <name>` when it was
 * reported to be.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../../../src/machine/machine.js';
import { ChangeLog } from '../../../src/snapshot/change-log.js';
import { flattenSnapshot } from '../../../src/snapshot/flatten-snapshot.js';
import { ResumedMachine } from '../../../src/snapshot/resumed-machine.js';
import { type SaveOptions, saveMachine } from '../../../src/snapshot/save-machine.js';
import type { SnapshotFolder } from '../../../src/snapshot/snapshot-folder.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { saveLive } from '../../snapshot/support/live-save.js';
import { MS, tickMachine } from '../../snapshot/support/tick-subject.js';
import { randomNumbers } from '../../support/random.js';

const PAGE = 4096;
const FREE = 0x10_0000;

class Stage {
  readonly machine: Machine = tickMachine(MS);

  constructor(readonly root: string) {
    for (let page = 0; page < 6; page += 1) {
      this.machine.parts.engine.memory.fill(FREE + page * 3 * PAGE, PAGE, page + 1);
    }
  }

  /** A new opening, as every command makes one. */
  get store(): SnapshotStore {
    return new SnapshotStore(this.root);
  }

  mark(...words: string[]): void {
    mkdirSync(join(this.root, `.mark-${words.join(' ')}`));
  }

  save(name: string, options: SaveOptions = {}): SnapshotFolder {
    return this.there(saveMachine(this.machine, this.store, name, options));
  }

  there(snapshot: SnapshotFolder): SnapshotFolder {
    this.mark('there', snapshot.name, snapshot.manifest.digest);
    return snapshot;
  }

  remove(name: string): void {
    this.mark('leaving', name);
    this.store.remove(name);
    this.mark('gone', name);
  }

  /** A full snapshot, and the log of what changes after it. */
  log(name: string): ChangeLog {
    return new ChangeLog(this.machine, this.save(name));
  }

  /** The guest changes a page. */
  poke(page: number): void {
    const { memory } = this.machine.parts.engine;
    memory.writeU8(FREE + page * PAGE, memory.readU8(FREE + page * PAGE) ^ 0x51);
  }

  /** A base and children with a changed page each. */
  chain(first: string, ...others: string[]): void {
    const changes = this.log(first);
    for (const [index, name] of others.entries()) {
      this.poke(index);
      this.save(name, { changes });
    }
    changes.close();
  }
}

/** Saves a suspend and goes on from it. */
function resume(stage: Stage, name: string): void {
  stage.save(name, { kind: 'suspend' });
  const request = { store: stage.root, name, keep: false, overrides: {} };
  const resumed = ResumedMachine.load(request, {});
  resumed.machine.resume();
  stage.mark('spent', name);
  while (stage.store.list().some((entry) => entry.name === name)) resumed.poll(fail);
  stage.mark('gone', name);
  resumed.machine.close();
}

/** A store's life: ten things that a seed draws. */
function live(stage: Stage, random: () => number): void {
  const parents = new Map<string, string | null>();
  const one = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)];
  let changes = stage.log('first');
  parents.set('first', null);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']) {
    const used = [...parents.values(), changes.parent?.name ?? null];
    const leaf = one([...parents.keys()].filter((other) => !used.includes(other)));
    switch (one(['full', 'child', 'child', 'flatten', 'remove', 'remove', 'resume'])) {
      case 'full':
        changes.close();
        changes = stage.log(name);
        parents.set(name, null);
        break;
      case 'child':
        parents.set(name, changes.parent?.name ?? null);
        stage.poke(Math.floor(random() * 100));
        stage.save(name, { changes });
        break;
      case 'flatten':
        stage.there(flattenSnapshot(stage.store, one([...parents.keys()]) ?? '', name));
        parents.set(name, null);
        break;
      case 'remove':
        if (leaf !== undefined) stage.remove(leaf);
        parents.delete(leaf ?? '');
        break;
      default:
        resume(stage, name);
    }
  }
}

export const SCENARIOS: Readonly<Record<string, (stage: Stage) => void>> = {
  save: (stage) => {
    stage.save('one');
  },
  live: (stage) => {
    stage.there(saveLive(stage.machine, stage.store, 'one').snapshot);
  },
  incremental: (stage) => stage.chain('one', 'two', 'three'),
  resume: (stage) => resume(stage, 'one'),
  remove: (stage) => {
    stage.chain('one', 'two');
    stage.remove('two');
    stage.remove('one');
  },
  flatten: (stage) => {
    stage.chain('one', 'two');
    stage.there(flattenSnapshot(stage.store, 'two', 'flat'));
    stage.remove('two');
    stage.remove('one');
  },
};

function fail(message: string): never {
  throw new Error(message);
}

/** `<scenario, or a seed> <store>` */
const [, program = '', scenario = '', root = ''] = process.argv;
if (program.endsWith('scenarios.js')) {
  const stage = new Stage(root);
  const known = SCENARIOS[scenario];
  if (known === undefined) live(stage, randomNumbers(Number(scenario)));
  else known(stage);
  stage.machine.close();
}
