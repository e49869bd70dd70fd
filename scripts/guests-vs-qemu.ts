// SPDX-License-Identifier: BSD-2-Clause
/** Runs the guests of test/guests on QEMU and compares with what their expectations say of it: node dist/scripts/guests-vs-qemu.js [NAME...] */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuestBuilder, guestNames, readExpectation } from '../test/guests/build-guest.js';

const QEMU = 'qemu-system-x86_64';
const TIMEOUT_MS = 20_000;
const CPU =
  'qemu64,vendor=GenuineIntel,family=6,+smep,+smap,+fsgsbase,+pdpe1gb,+nx,+rdtscp,+umip,+ssse3,+sse4.1,+sse4.2,+popcnt,-svm';

function runOnQemu(image: string, folder: string, cpus: number): string {
  const output = join(folder, 'com1');
  spawnSync(
    QEMU,
    [
      ...['-accel', 'tcg', '-M', 'q35', '-m', '64', '-cpu', CPU, '-display', 'none', '-nodefaults', '-no-reboot', '-smp', String(cpus)],
      ...['-serial', `file:${output}`, '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-kernel', image],
    ],
    { timeout: TIMEOUT_MS },
  );
  return readFileSync(output, 'latin1');
}

/** Lines in which the two differ. */
function differences(expected: string, actual: string): string[] {
  const left = expected.split('\n');
  const right = actual.split('\n');
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => index)
    .filter((index) => left[index] !== right[index])
    .map((index) => `  expected ${left[index] ?? '(end)'}\n  QEMU     ${right[index] ?? '(end)'}`);
}

if (spawnSync(QEMU, ['--version']).status !== 0) {
  console.log(`${QEMU} is not installed: nothing to compare with`);
} else {
  const builder = new GuestBuilder();
  const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-qemu-'));
  const chosen = process.argv.length > 2 ? process.argv.slice(2) : guestNames;
  for (const name of chosen) {
    const { cpus, qemu } = readExpectation(name);
    if (typeof qemu !== 'string') {
      console.log(`${name}: not asked: ${qemu.notAsked}`);
      continue;
    }
    const found = differences(qemu, runOnQemu(builder.build(name), folder, cpus));
    console.log(`${name}: ${found.length === 0 ? 'the same' : `${found.length} lines differ`}`);
    for (const line of found) console.log(line);
    if (found.length > 0) process.exitCode = 1;
  }
  rmSync(folder, { recursive: true });
  builder.remove();
}
