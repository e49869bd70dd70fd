// SPDX-License-Identifier: BSD-2-Clause
/** Booting a whole Debian from a disk, and its disk at work under fio. */
import type { Program } from '../programs.js';
import type { Row } from '../report.js';
import { median } from '../statistics.js';
import { DebianVm, PROGRAMS, scratchDisk } from './debian-vm.js';
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

/** Values of the jobs and seconds to the login prompt, by name. */
type Measured = ReadonlyMap<string, number>;

const LOGIN = 'a whole Debian to its login prompt';

async function measure(program: Program, folder: string): Promise<Measured> {
  const scratch = scratchDisk(folder);
  const vm = await DebianVm.boot(program, folder, { scratch });
  try {
    const milliseconds = await vm.running.until('login prompt', (text) => text.includes('login: '));
    const values = new Map([[LOGIN, milliseconds / 1000]]);
    await vm.shell.login();
    for (const { name, words, value } of JOBS) {
      values.set(name, value(fioResult(await vm.shell.ask(words.join(' ')))));
    }
    return values;
  } finally {
    vm.kill();
  }
}

export async function diskRows(runs: number, folder: string, progress: (text: string) => void): Promise<Row[]> {
  const all = new Map<string, Measured[]>(PROGRAMS.map(({ name }) => [name, []]));
  for (let run = 1; run <= runs; run += 1) {
    for (const program of PROGRAMS) {
      progress(`Debian and its disk under ${program.name}, ${run} of ${runs}`);
      all.get(program.name)?.push(await measure(program, folder));
    }
  }
  const of = (program: Program['name'], name: string): number =>
    median((all.get(program) ?? []).map((one) => one.get(name) ?? Number.NaN));
  return [{ name: LOGIN, unit: 's' }, ...JOBS].map(({ name, unit }) => ({
    name,
    unit,
    tsbhyve: of('tsbhyve', name),
    qemu: of('QEMU', name),
    bar: null,
  }));
}
