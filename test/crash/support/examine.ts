// SPDX-License-Identifier: BSD-2-Clause
/** What must hold of a store after a power cut. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../../../src/machine/machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { roleOf } from '../../../src/snapshot/suspend-use.js';
import { verifySnapshot } from '../../../src/snapshot/verify-snapshot.js';
import type { Tree } from './disk.js';
import { marksOf, type PowerCut } from './power-cuts.js';
import { SCRATCH } from './shim.js';
import type { Change } from './store-log.js';

export function writeTree(folder: string, tree: Tree): void {
  for (const [name, node] of tree) {
    const path = join(folder, name);
    if (node instanceof Map) {
      mkdirSync(path, { mode: 0o700 });
      writeTree(path, node);
    } else {
      writeFileSync(path, node.bytes);
      chmodSync(path, node.mode);
    }
  }
}

/** Throws what is wrong. `store` is the store's path in the watched folder; `machine` is paused and is saved again. */
export function examine(cut: PowerCut, log: readonly Change[], store: string, machine: Machine): void {
  const root = mkdtempSync(join(SCRATCH, 'tsbhyve-cut-'));
  try {
    writeTree(root, cut.tree);
    examineStore(join(root, store), promises(cut.made, log), machine);
  } catch (cause) {
    throw new Error(`${cut.what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    rmSync(root, { recursive: true });
  }
}

interface Promised {
  readonly name: string;
  readonly digest: string;
  readonly presence: 'there' | 'maybe' | 'spent' | 'gone';
}

const PRESENCE: Readonly<Record<string, Promised['presence']>> = { there: 'there', leaving: 'maybe', spent: 'spent' };

/** For every name of the whole log, what its user knew about it by then. */
function promises(made: readonly Change[], log: readonly Change[]): Promised[] {
  const promised = new Map<string, Promised>();
  for (const [, name = '', digest = ''] of marksOf(log).map((mark) => mark.split(' '))) {
    if (digest !== '') promised.set(name, { name, digest, presence: 'maybe' });
  }
  for (const [word = '', name = ''] of marksOf(made).map((mark) => mark.split(' '))) {
    const known = promised.get(name);
    if (known === undefined) throw new Error(`the scenario never made ${name}`);
    promised.set(name, { ...known, presence: PRESENCE[word] ?? 'gone' });
  }
  return [...promised.values()];
}

function examineStore(root: string, promised: readonly Promised[], machine: Machine): void {
  const store = new SnapshotStore(root);
  const found = new Map(store.list().map((entry) => [entry.name, entry]));
  for (const { name, digest, presence } of promised) {
    const entry = found.get(name);
    found.delete(name);
    if (entry === undefined) {
      if (presence === 'there') throw new Error(`${name} was reported to be saved and is not there`);
      continue;
    }
    if (presence === 'gone') throw new Error(`${name} was reported to be gone and is there`);
    if ('problem' in entry) throw entry.problem;
    if (entry.snapshot.manifest.digest !== digest) throw new Error(`${name} is another than was saved`);
    if (presence === 'spent' && roleOf(entry.snapshot) !== 'spent')
      throw new Error(`${name} waits for its machine again`);
    verifySnapshot(store, name);
  }
  if (found.size > 0) throw new Error(`nobody made ${[...found.keys()].join(', ')}`);
  const rest = readdirSync(root).filter((name) => name.startsWith('.'));
  if (rest.length > 0) throw new Error(`${rest.join(', ')} is left over`);
  const absent = promised.find(({ name }) => !existsSync(join(root, name)));
  if (absent !== undefined) {
    saveMachine(machine, store, absent.name);
    verifySnapshot(store, absent.name);
  }
}
