// SPDX-License-Identifier: BSD-2-Clause
/** A guest program that makes numbered records durable and tells of each, and the look at what is left of them. */
import { fileInImage } from './disk-image.js';

/** Every so many records the number is also put into a file that replaces another: names have to be durable too. */
const STATE_EVERY = 8;
const FILLER = 91;

/** For a shell of the guest. It runs until the machine ends. */
export function recordIn(folder: string): string {
  const program = [
    'import os',
    `os.chdir("${folder}")`,
    'folder = os.open(".", os.O_RDONLY)',
    'records = os.open("records", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)',
    'number = 0',
    'while True:',
    '    number += 1',
    `    os.write(records, b"%08d " % number + b"x" * ${FILLER} + b"\\n")`,
    '    os.fsync(records)',
    `    if number % ${STATE_EVERY} == 0:`,
    '        state = os.open("new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)',
    '        os.write(state, b"%d\\n" % number)',
    '        os.fsync(state)',
    '        os.close(state)',
    '        os.rename("new", "state")',
    '        os.fsync(folder)',
    '    print("RECORD", number, flush=True)',
  ];
  return `python3 -c '${program.join('\n')}'\n`;
}

/** The last number that the guest told of. A line that is not whole does not count. */
export function lastReported(console: string): number {
  return Number([...console.matchAll(/RECORD (\d+)\r?\n/g)].at(-1)?.[1] ?? 0);
}

/** Throws unless all that was reported is in the image. `folder` is a path in it, with a slash at its end. */
export function checkRecords(image: string, folder: string, reported: number): void {
  const lines = fileInImage(image, `${folder}records`).toString('latin1').split('\n').slice(0, -1);
  for (let number = 1; number <= reported; number += 1) {
    const expected = `${String(number).padStart(8, '0')} ${'x'.repeat(FILLER)}`;
    const found = lines[number - 1];
    if (found !== expected) throw new Error(`record ${number} of ${reported} is ${JSON.stringify(found)}`);
  }
  const wanted = reported - (reported % STATE_EVERY);
  if (wanted === 0) return;
  const state = Number(fileInImage(image, `${folder}state`).toString('latin1'));
  if (!(state >= wanted))
    throw new Error(`the state is that of record ${state}, after record ${reported} was reported`);
}
