// SPDX-License-Identifier: BSD-2-Clause
/** How many exits a second each engine of this host makes, by what the guest does. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addonPath } from '../../src/hypervisor/addon.js';
import { chooseEngine, ENGINES } from '../../src/hypervisor/engine-choice.js';
import { HypervisorError } from '../../src/hypervisor/hypervisor-error.js';
import { packageRoot } from '../../src/hypervisor/package-root.js';
import { EXIT_CLASSES, type ExitClass } from './exit-guest.js';
import type { Row } from './report.js';
import { median } from './statistics.js';

interface Subject {
  readonly engine: string;
  readonly tscHz: bigint | null;
  /** What has to be known about its numbers. */
  readonly remark: string;
}

export function exitRateRows(runs: number, progress: (text: string) => void): Row[] {
  const subjects = ENGINES.flatMap((engine) => subject(engine, progress));
  const rates = new Map(subjects.map(({ engine }): [string, Record<ExitClass, number>[]] => [engine, []]));
  for (let run = 1; run <= runs; run += 1) {
    for (const one of subjects) {
      progress(`exits on ${one.engine}, ${run} of ${runs}`);
      rates.get(one.engine)?.push(measure(one));
    }
  }
  return subjects.flatMap(({ engine, remark }) =>
    EXIT_CLASSES.map((kind) => ({
      name: `${kind} exits, engine ${engine}${remark}`,
      unit: 'thousand/s',
      tsbhyve: median((rates.get(engine) ?? []).map((one) => one[kind])) / 1000,
      qemu: null,
      bar: null,
    })),
  );
}

/** None if this host does not have it. */
function subject(engine: string, progress: (text: string) => void): Subject[] {
  const imitated = engine === 'vmm' && useImitation();
  try {
    const { tscHz, notice } = chooseEngine(engine, { kind: 'real' });
    const emulated = notice === null ? '' : ' (emulates ring 0 here)';
    return [{ engine, tscHz, remark: imitated ? ' (imitated over soft)' : emulated }];
  } catch (error) {
    if (!(error instanceof HypervisorError)) throw error;
    progress(`no exits on ${engine}: ${error.message}`);
    return [];
  }
}

/** Where there is no FreeBSD, the libvmmapi of the tests stands in. */
function useImitation(): boolean {
  const library = join(dirname(addonPath()), 'libvmmapi.so');
  if (process.platform === 'freebsd' || !existsSync(library)) return false;
  process.env.TSBHYVE_VMMAPI = library;
  return true;
}

function measure({ engine, tscHz }: Subject): Record<ExitClass, number> {
  const program = join(packageRoot(), 'dist/scripts/bench/exit-rates.js');
  return JSON.parse(execFileSync(process.execPath, [program, engine, String(tscHz ?? '-')], { encoding: 'utf8' }));
}
