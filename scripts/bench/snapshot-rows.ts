// SPDX-License-Identifier: BSD-2-Clause
/** Saving and resuming a guest of 1 GiB beside QEMU's savevm and loadvm. */
import { join } from 'node:path';
import type { BenchGuest } from './programs.js';
import { atMost, type Row } from './report.js';
import type { RunningGuest } from './running-guest.js';
import { OurGuest, resumeOurs, startTheirs, TheirGuest } from './saved-guests.js';
import { median } from './statistics.js';

const LONGEST_STOP_MS = 20;
const RESUMES = 5;
const DIRTIED_MIB = [4, 32, 128] as const;

interface Times {
  readonly stop: number[];
  readonly pages: number[];
  readonly suspend: number[];
  readonly resume: number[];
}

const noTimes = (): Times => ({ stop: [], pages: [], suspend: [], resume: [] });

export async function snapshotRows(
  guest: BenchGuest,
  runs: number,
  folder: string,
  progress: (text: string) => void,
): Promise<Row[]> {
  const [ours, theirs] = [noTimes(), noTimes()];
  for (let run = 1; run <= runs; run += 1) {
    progress(`saving and resuming, ${run} of ${runs}`);
    await timeOurs(guest, folder, run, ours);
    await timeTheirs(guest, folder, theirs);
  }
  const [stop, pages] = [median(ours.stop), median(ours.pages)];
  const suspend = { tsbhyve: median(ours.suspend), qemu: median(theirs.suspend) };
  const resume = { tsbhyve: median(ours.resume), qemu: median(theirs.resume) };
  return [
    {
      name: 'live snapshot: guest stands still (savevm: all of it)',
      unit: 'ms',
      tsbhyve: stop,
      qemu: median(theirs.stop),
      bar: atMost(stop, LONGEST_STOP_MS, String(LONGEST_STOP_MS)),
    },
    { name: '  pages written in that time', unit: '', tsbhyve: pages, qemu: null, bar: null },
    { name: 'suspend', unit: 'ms', ...suspend, bar: atMost(suspend.tsbhyve, suspend.qemu, "QEMU's") },
    {
      name: 'resume: start of the process to the next output',
      unit: 'ms',
      ...resume,
      bar: atMost(resume.tsbhyve, resume.qemu, "QEMU's"),
    },
  ];
}

async function timeOurs(guest: BenchGuest, folder: string, run: number, times: Times): Promise<void> {
  const store = join(folder, 'store');
  const vm = await OurGuest.boot(guest, store, `saved-${run}`);
  for (const live of ['first', 'second', 'third']) {
    const { stoppedMilliseconds, lastPages } = await vm.snapshot(`live-${run}-${live}`);
    times.stop.push(stoppedMilliseconds);
    times.pages.push(lastPages);
  }
  await vm.tick();
  times.suspend.push(await vm.suspend(`suspend-${run}`));
  for (let again = 0; again < RESUMES; again += 1) {
    times.resume.push(await firstOutput(resumeOurs(store, `suspend-${run}`, ['--keep'])));
  }
}

async function timeTheirs(guest: BenchGuest, folder: string, times: Times): Promise<void> {
  const vm = await TheirGuest.boot(guest, folder);
  times.stop.push(await vm.monitor.time('savevm idle'));
  await vm.tick();
  times.suspend.push(await vm.monitor.time('savevm ticking'));
  await vm.quit();
  for (let again = 0; again < RESUMES; again += 1) {
    times.resume.push(await firstOutput(startTheirs(guest, folder, ['-loadvm', 'ticking'])));
  }
}

/** Milliseconds from the start of the process to what its guest says next. It is ended then. */
export async function firstOutput(running: RunningGuest): Promise<number> {
  const milliseconds = await running.until('output', (text) => text.includes('tick'));
  running.kill();
  await running.ended();
  return milliseconds;
}

/** What an incremental snapshot holds and takes when the guest has written so much since its parent. */
export async function incrementalRows(guest: BenchGuest, folder: string): Promise<Row[]> {
  const vm = await OurGuest.boot(guest, join(folder, 'store'), 'incremental');
  const rows: Row[] = [];
  try {
    await vm.snapshot('base', { live: false });
    for (const mib of DIRTIED_MIB) {
      await vm.write(mib);
      const parent = rows.length === 0 ? 'base' : `delta-${rows.length / 2 - 1}`;
      const start = performance.now();
      const { bytes } = await vm.snapshot(`delta-${rows.length / 2}`, { parent });
      const milliseconds = performance.now() - start;
      const name = `incremental snapshot after writing ${mib} MiB`;
      rows.push({
        name,
        unit: 'MiB',
        tsbhyve: bytes / 2 ** 20,
        qemu: null,
        bar: atMost(bytes, (mib + 24) * 2 ** 20, `${mib} + 24`),
      });
      rows.push({ name: '  in', unit: 'ms', tsbhyve: milliseconds, qemu: null, bar: null });
    }
  } finally {
    vm.running.kill();
  }
  return rows;
}
