// SPDX-License-Identifier: BSD-2-Clause
/** Booting a whole Debian from a disk, and its disk at work under fio. */
import type { Program } from '../programs.js';
import { measured, type Row } from '../report.js';
import { median } from '../statistics.js';
import { type DebianBench, DebianVm, PROGRAMS, scratchDisk } from './debian-vm.js';
import { type FioResult, fioResult, fioWords } from './fio.js';

const SECONDS = 10;

interface Job {
  readonly name: string;
  readonly words: readonly string[];
  readonly unit: string;
  readonly value: (result: FioResult) => number;
}

const random = (kind: 'read' | 'write', depth: number): Job => ({
  name: `4 KiB random ${kind}s, depth ${depth}`,
  words: fioWords(`rand${kind}`, '4k', depth, SECONDS),
  unit: 'IOPS',
  value: ({ iops }) => iops,
});

const sequential = (kind: 'read' | 'write'): Job => ({
  name: `1 MiB sequential ${kind}s`,
  words: fioWords(kind, '1m', 4, SECONDS),
  unit: 'MB/s',
  value: ({ bytesPerSecond }) => bytesPerSecond / 1e6,
});

const JOBS: readonly Job[] = [
  random('read', 1),
  random('write', 1),
  random('read', 32),
  random('write', 32),
  sequential('read'),
  sequential('write'),
];

const LOGIN = { name: 'a whole Debian to its login prompt', unit: 's' };

/** Is told of each value at once. */
type Tell = (quantity: Pick<Job, 'name' | 'unit'>, value: number) => void;

async function measure(program: Program, folder: string, tell: Tell): Promise<void> {
  const scratch = scratchDisk(folder);
  const vm = await DebianVm.boot(program, folder, { scratch });
  try {
    tell(LOGIN, (await vm.running.until('login prompt', (text) => text.includes('login: '))) / 1000);
    await vm.shell.login();
    for (const job of JOBS) tell(job, job.value(fioResult(await vm.shell.ask(job.words.join(' ')))));
  } finally {
    vm.kill();
  }
}

export async function* diskRows({ runs, folder, progress }: DebianBench): AsyncIterable<Row> {
  const values = new Map<string, number[]>();
  const key = (program: Program['name'], quantity: string): string => `${program} ${quantity}`;
  for (let run = 1; run <= runs; run += 1) {
    for (const program of PROGRAMS) {
      progress(`Debian and its disk under ${program.name}, ${run} of ${runs}`);
      await measure(program, folder, ({ name, unit }, value) => {
        progress(measured(name, program.name, value, unit));
        const found = values.get(key(program.name, name)) ?? [];
        values.set(key(program.name, name), [...found, value]);
      });
    }
  }
  const of = (program: Program['name'], name: string): number => median(values.get(key(program, name)) ?? []);
  for (const { name, unit } of [LOGIN, ...JOBS]) {
    yield { name, unit, tsbhyve: of('tsbhyve', name), qemu: of('QEMU', name), bar: null };
  }
}
