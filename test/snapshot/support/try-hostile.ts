// SPDX-License-Identifier: BSD-2-Clause
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../../src/hypervisor/package-root.js';

/** Megabytes. */
const MEMORY_MAX = 256;
/** Nothing that is measured: only what takes so much longer than all trials together is a hang. */
const HANG_MS = 30 * 60_000;

/** Runs hostile-trials.ts in a process of its own and throws what was wrong; answers how often each outcome came. */
export function tryHostile(kind: string, seed: number, count: number): Record<string, number> {
  const program = join(packageRoot(), 'dist/test/snapshot/support/hostile-trials.js');
  const words = ['--max-old-space-size=256', program, kind, String(seed), String(count)];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    timeout: HANG_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  const lines = stdout.trimEnd().split('\n');
  if (status !== 0) throw new Error(`${kind}, ${lines.at(-1)}: ended with ${signal ?? status}: ${stderr}`);
  const problem = lines.findIndex((line) => line.startsWith('PROBLEM'));
  if (problem >= 0) throw new Error(`${kind}, ${lines.slice(problem - 1, problem + 8).join('\n')}`);
  const { outcomes, memory } = JSON.parse(lines.at(-1) ?? '') as { outcomes: Record<string, number>; memory: number };
  if (memory > MEMORY_MAX) throw new Error(`${kind}: ${memory} MiB were allocated`);
  return outcomes;
}
