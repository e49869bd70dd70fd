// SPDX-License-Identifier: BSD-2-Clause
/** A scenario, run in a watched process, and the examination of all that a power cut may leave of it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../../../src/machine/machine.js';
import type { Tree, TreeFile } from './disk.js';
import { examine } from './examine.js';
import { type CutOptions, powerCuts } from './power-cuts.js';
import { WatchedFolder } from './shim.js';
import type { Change } from './store-log.js';

/** In the watched folder, two folders that do not exist yet. */
const STORE = 'new/store';

export interface Recording {
  readonly log: readonly Change[];
  /** What the scenario left. */
  readonly tree: Tree;
}

/** The latest ones: each holds all that was written. */
const recordings = new Map<string, Recording>();
const KEPT = 8;

/** One of the scenarios by name, or by the seed of a drawn one. */
export function recorded(scenario: string): Recording {
  const known = recordings.get(scenario);
  if (known !== undefined) return known;
  const folder = new WatchedFolder();
  try {
    folder.run('scenarios.js', scenario, join(folder.root, STORE));
    const recording = { log: folder.changes(), tree: treeOf(folder.root) };
    if (recordings.size === KEPT) recordings.clear();
    recordings.set(scenario, recording);
    return recording;
  } finally {
    folder.remove();
  }
}

/** Throws what is wrong in the first bad state; answers how many there are. `machine` is paused and is saved again. */
export function examineAll(log: readonly Change[], machine: Machine, options: CutOptions): number {
  let states = 0;
  for (const cut of powerCuts(log, options)) {
    examine(cut, log, STORE, machine);
    states += 1;
  }
  return states;
}

function treeOf(folder: string): Tree {
  return new Map(
    readdirSync(folder, { withFileTypes: true }).map((entry): [string, Tree | TreeFile] => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return [entry.name, treeOf(path)];
      return [entry.name, { bytes: readFileSync(path), mode: statSync(path).mode & 0o777 }];
    }),
  );
}
