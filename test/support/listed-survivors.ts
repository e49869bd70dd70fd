// SPDX-License-Identifier: BSD-2-Clause
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/hypervisor/package-root.js';

/** The first column of a table of docs/proof-survivors.md, without its head. */
export function listedSurvivors(heading: string): string[] {
  const text = readFileSync(join(packageRoot(), 'docs/proof-survivors.md'), 'utf8');
  const part = text.split(/^## /m).find((section) => section.startsWith(`${heading}\n`));
  if (part === undefined) throw new Error(`docs/proof-survivors.md has no part called ${heading}`);
  return [...part.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '').sort();
}
