// SPDX-License-Identifier: BSD-2-Clause
/** How the soft engine's translator works: `--translator` and `--perf-map`. */
import { TRANSLATOR_MODES, type TranslatorOptions } from '../hypervisor/translator.js';
import type { MachineConfig } from '../machine/config.js';
import type { ConfigTree } from './config-tree.js';
import { UsageError } from './usage-error.js';

const MODE = 'translator';
const PERF_MAP = 'perf_map';

export function translatorOf(tree: ConfigTree, machine: MachineConfig): Partial<TranslatorOptions> {
  const mode = tree.oneOf(MODE, TRANSLATOR_MODES, 'on');
  if (mode === 'lockstep') requireRepeatable(machine);
  return { mode, ...(tree.bool(PERF_MAP, false) && { perfMap: perfMapPath() }) };
}

/** Whatever is done twice must come out the same twice. */
function requireRepeatable({ engine, clock, cpus }: MachineConfig): void {
  if (engine !== 'soft') throw new UsageError(MODE, `lockstep is of engine soft, not of ${engine}; use --engine soft`);
  if (clock.kind !== 'virtual') throw new UsageError(MODE, 'lockstep needs --clock virtual');
  if (cpus !== 1) throw new UsageError(MODE, `lockstep needs one vCPU, not ${cpus}`);
}

/** Where perf(1) looks. */
function perfMapPath(): string {
  return `/tmp/perf-${process.pid}.map`;
}
