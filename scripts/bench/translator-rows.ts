// SPDX-License-Identifier: BSD-2-Clause
/** What the translator costs a VM that has no hot code yet, or nothing to do: beside the same VM without it. */
import { join } from 'node:path';
import { idleCost } from './idle-cost.js';
import { inTurns } from './in-turns.js';
import { portRead } from './loop-kernel.js';
import { startUp } from './measurements.js';
import { type BenchGuest, TRANSLATOR_OFF, tsbhyve, tsbhyveTier1 } from './programs.js';
import { atMost, type Row } from './report.js';
import { OurGuest, resumeOurs } from './saved-guests.js';
import { firstOutput } from './snapshot-rows.js';
import { median } from './statistics.js';

/** What two measurements of the same thing may differ by. */
const NOISE = 1.1;
const BOTH = { on: { program: tsbhyve, options: [] }, off: { program: tsbhyveTier1, options: TRANSLATOR_OFF } };

export async function translatorRows(
  guest: BenchGuest,
  runs: number,
  folder: string,
  progress: (text: string) => void,
): Promise<Row[]> {
  const [store, name] = [join(folder, 'translator-store'), 'ticking'];
  const vm = await OurGuest.boot(guest, store, 'translator');
  await vm.tick();
  await vm.suspend(name);
  type Measure = (side: (typeof BOTH)['on' | 'off']) => Promise<number>;
  const beside = async (title: string, unit: string, measure: Measure): Promise<Row> => {
    const times = await inTurns(runs, { on: () => measure(BOTH.on), off: () => measure(BOTH.off) }, (run) =>
      progress(`${title}, ${run} of ${runs}`),
    );
    const [on, off] = [median(times.on), median(times.off)];
    const bar = atMost(on, off * NOISE, 'no more than off');
    return { name: title, unit, tsbhyve: on, qemu: null, beside: { '--translator off': off }, bar };
  };
  return [
    await beside("start to the guest's first byte", 'ms', ({ program }) => startUp(program, portRead, folder)),
    await beside('resume to the next output', 'ms', ({ options }) =>
      firstOutput(resumeOurs(store, name, ['--keep', ...options])),
    ),
    await beside('an idle guest', '% of a core', async ({ program }) => (await idleCost(program, guest)).idle),
  ];
}
