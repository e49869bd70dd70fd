// SPDX-License-Identifier: BSD-2-Clause
/** `-o name=value` and `-k file`, which holds such settings one a line. */
import { readFileSync } from 'node:fs';
import { systemReason } from '../host/host-error.js';
import type { ConfigTree } from './config-tree.js';
import { UsageError } from './usage-error.js';

export function setVariable(tree: ConfigTree, where: string, setting: string): void {
  const equals = setting.indexOf('=');
  if (equals < 1) throw new UsageError(where, `'${setting}' is not of the form name=value`);
  const name = setting.slice(0, equals).trim();
  if (!/^[^.\s]+(\.[^.\s]+)*$/.test(name)) {
    throw new UsageError(where, `'${name}' is not a variable name; accepted are words joined by dots`);
  }
  tree.set(name, setting.slice(equals + 1));
}

export function loadConfigFile(tree: ConfigTree, path: string): void {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`-k ${path}`, `cannot read the configuration file: ${systemReason(cause)}`, { cause });
  }
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const setting = line.trimStart();
    if (setting === '' || setting.startsWith('#')) continue;
    setVariable(tree, `${path}:${index + 1}`, setting);
  }
}
