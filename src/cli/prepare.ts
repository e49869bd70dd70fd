// SPDX-License-Identifier: BSD-2-Clause
/** Where a VM begins, cold or from a snapshot, and its name in the run folder, which it has before anything is built. */
import { randomBytes } from 'node:crypto';
import { DEFAULT_CONFIG } from '../machine/config.js';
import type { ConfigTree } from './config-tree.js';
import { RunFolder } from './run-folder.js';
import { type Settings, settingsOf } from './settings.js';
import { storeFolder } from './store-folder.js';
import { UsageError } from './usage-error.js';

export interface Prepared {
  readonly settings: Settings;
  readonly folder: RunFolder;
  /** What there is to say about where the VM begins. */
  readonly notices: readonly string[];
}

export async function prepare(tree: ConfigTree): Promise<Prepared> {
  const snapshot = tree.get('snapshot.resume');
  if (tree.bool('snapshot.continue', false)) return prepareToContinue(tree, snapshot);
  const settings = await (snapshot === undefined ? coldSettings(tree) : resumed(tree, snapshot));
  return { settings, folder: RunFolder.claim(settings.machine.name), notices: [] };
}

/** The name comes first: a suspend that is still being written by another process must be seen. */
async function prepareToContinue(tree: ConfigTree, snapshot: string | undefined): Promise<Prepared> {
  if (snapshot !== undefined) {
    throw new UsageError('--continue', `looks for a suspend itself, and -r ${snapshot} names one; give one of the two`);
  }
  if (tree.bool('snapshot.keep', false)) {
    throw new UsageError('--keep', 'makes a snapshot of a suspend that -r names; --continue looks for one to use up');
  }
  const name = tree.get('name') ?? DEFAULT_CONFIG.name;
  const folder = RunFolder.claim(name);
  try {
    const { newestSuspend } = await import('./newest-suspend.js');
    const { suspend, notices } = newestSuspend(storeFolder(tree), name);
    const settings = await (suspend === null ? coldSettings(tree) : resumed(tree, suspend));
    return { settings, folder, notices };
  } catch (error) {
    folder.release();
    throw error;
  }
}

async function coldSettings(tree: ConfigTree): Promise<Settings> {
  const now = new Date();
  return settingsOf(tree, now.getTime(), -now.getTimezoneOffset());
}

async function resumed(tree: ConfigTree, snapshot: string): Promise<Settings> {
  return (await import('./resume-settings.js')).resumeSettings(tree, snapshot, randomBytes);
}
