// SPDX-License-Identifier: BSD-2-Clause
/** Where snapshots are: `--store`, or the place the system has for such data. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConfigTree } from './config-tree.js';

export function storeFolder(tree: ConfigTree): string {
  return tree.get('snapshot.store') ?? defaultStore();
}

export function defaultStore(user = process.getuid?.(), dataHome = process.env.XDG_DATA_HOME): string {
  if (user === 0) return '/var/lib/tsbhyve';
  // The XDG base directory specification: an empty value counts as none.
  return join(dataHome || join(homedir(), '.local/share'), 'tsbhyve');
}
