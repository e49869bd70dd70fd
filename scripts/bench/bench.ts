// SPDX-License-Identifier: BSD-2-Clause
/** `npm run bench`: boots, exits, start-up and memory, each beside QEMU in the same run. Installs and downloads nothing. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../src/hypervisor/package-root.js';
import { cacheFolder, guestIn } from '../quickstart/guest.js';
import { GUEST_UP } from '../quickstart/initramfs.js';
import { BenchError } from './bench-error.js';
import { cloneRows } from './clone-rows.js';
import { costRows } from './debian/cost-rows.js';
import { hasImage } from './debian/debian-vm.js';
import { diskRows } from './debian/disk-rows.js';
import { netRows } from './debian/net-rows.js';
import { idleRows } from './idle-cost.js';
import { mmioRead, portRead } from './loop-kernel.js';
import { boot, emptyNode, roundTrip, startUp } from './measurements.js';
import { type BenchGuest, GUEST_MIB, qemu, qemuVersion, requireBuild, tsbhyve } from './programs.js';
import { atLeast, atMost, type Row, table } from './report.js';
import { incrementalRows, snapshotRows } from './snapshot-rows.js';
import { median } from './statistics.js';

const USAGE = 'usage: npm run bench -- [--json] [--runs N] [--only GROUP,...] [--kernel FILE --initrd FILE]';
const COMMAND_LINE = 'console=ttyS0 panic=-1';

const NOTE = 'QEMU does not count instructions: its rate is our number of them over its boot time.';

const progress = (text: string) => process.stderr.write(`${text}\n`);

async function guestFor(kernel: string | undefined, initrd: string | undefined): Promise<Required<BenchGuest>> {
  if (kernel !== undefined && initrd !== undefined) return { kernel, initrd, append: COMMAND_LINE };
  if (kernel !== undefined || initrd !== undefined) throw new BenchError('--kernel and --initrd go together');
  const cache = cacheFolder(process.env);
  if (!existsSync(join(cache, 'debian/vmlinuz'))) {
    throw new BenchError(`no guest in ${cache}: run npm run quickstart once, or give --kernel and --initrd`);
  }
  return { ...(await guestIn(cache, (_, work) => work(() => {}))), append: COMMAND_LINE };
}

/** Alternates between the two, so that both meet the same load of the host. */
async function inTurns<Result>(runs: number, what: string, ours: () => Promise<Result>, theirs: () => Promise<Result>) {
  const results: { tsbhyve: Result[]; qemu: Result[] } = { tsbhyve: [], qemu: [] };
  for (let run = 1; run <= runs; run += 1) {
    progress(`${what}, ${run} of ${runs}`);
    results.tsbhyve.push(await ours());
    results.qemu.push(await theirs());
  }
  return results;
}

async function bootRows(guest: Required<BenchGuest>, runs: number): Promise<Row[]> {
  const boots = await inTurns(
    runs,
    'booting Linux',
    () => boot(tsbhyve, guest, GUEST_UP),
    () => boot(qemu, guest, GUEST_UP),
  );
  const seconds = {
    tsbhyve: median(boots.tsbhyve.map((one) => one.seconds)),
    qemu: median(boots.qemu.map((one) => one.seconds)),
  };
  const memory = median(boots.tsbhyve.map(({ memoryMib }) => memoryMib));
  progress('counting instructions');
  const counts = Array.from({ length: runs }, () => countInstructions(guest));
  const rate = median(counts.map((one) => one.instructions / one.seconds / 1e6));
  const instructions = median(counts.map((one) => one.instructions)) / 1e6;
  const bootBar = atMost(seconds.tsbhyve, 5 * seconds.qemu, "5 times QEMU's");
  return [
    { name: 'boot to the first line', unit: 's', ...seconds, bar: bootBar },
    {
      name: 'instructions over the boot',
      unit: 'million/s',
      tsbhyve: rate,
      qemu: instructions / seconds.qemu,
      bar: atLeast(rate, 150, '150'),
    },
    {
      name: 'memory beyond guest RAM',
      unit: 'MiB',
      tsbhyve: memory,
      qemu: median(boots.qemu.map(({ memoryMib }) => memoryMib)),
      bar: atMost(memory, 150, '150'),
    },
  ];
}

function countInstructions({ kernel, initrd, append }: Required<BenchGuest>): {
  instructions: number;
  seconds: number;
} {
  const program = join(packageRoot(), 'dist/scripts/bench/count-instructions.js');
  const words = [program, kernel, initrd, append, String(GUEST_MIB), GUEST_UP];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' }));
}

async function exitRow(name: string, access: readonly number[], runs: number, folder: string): Promise<Row> {
  const times = await inTurns(
    runs,
    name,
    () => roundTrip(tsbhyve, access, folder),
    () => roundTrip(qemu, access, folder),
  );
  const ours = median(times.tsbhyve);
  return { name, unit: 'ns', tsbhyve: ours, qemu: median(times.qemu), bar: atMost(ours, 1000, '1000') };
}

async function startUpRows(runs: number, folder: string): Promise<Row[]> {
  const times = await inTurns(
    runs,
    'starting up',
    () => startUp(tsbhyve, portRead, folder),
    () => startUp(qemu, portRead, folder),
  );
  const node = median(Array.from({ length: runs }, emptyNode));
  const ours = median(times.tsbhyve);
  return [
    { name: "start to the guest's first byte", unit: 'ms', tsbhyve: ours, qemu: median(times.qemu), bar: null },
    { name: 'the same in empty node processes', unit: 'times', tsbhyve: ours / node, qemu: null, bar: null },
  ];
}

/** Making it takes minutes and a network, so it is nothing that a benchmark does on its own. */
function isDebianLeftOut(): boolean {
  if (hasImage()) return false;
  progress('debian is left out: npm run debian-image -- --no-boot makes its guest');
  return true;
}

function chosenGroups(only: string | undefined, known: readonly string[]): readonly string[] {
  const chosen = only?.split(',') ?? known.filter((name) => name !== 'debian' || !isDebianLeftOut());
  const unknown = chosen.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new BenchError(`--only ${unknown}: accepted are ${known.join(', ')}`);
  return chosen;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      runs: { type: 'string', default: '5' },
      only: { type: 'string' },
      kernel: { type: 'string' },
      initrd: { type: 'string' },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new BenchError(`--runs ${values.runs}: a number from 1 is accepted`);
  const version = qemuVersion();
  requireBuild();
  const guest = await guestFor(values.kernel, values.initrd);
  const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-bench-'));
  try {
    const groups: Readonly<Record<string, () => Promise<Row[]>>> = {
      boot: () => bootRows(guest, runs),
      exits: async () => [
        await exitRow('port read from a TypeScript device', portRead, runs, folder),
        await exitRow('MMIO read from a TypeScript device', mmioRead, runs, folder),
      ],
      start: () => startUpRows(runs, folder),
      snapshots: () => snapshotRows(guest, runs, folder, progress),
      incremental: () => incrementalRows(guest, folder),
      clones: () => cloneRows(guest, folder),
      idle: () => idleRows(guest),
      debian: async () => [
        ...(await diskRows(runs, folder, progress)),
        ...(await costRows(runs, folder, progress)),
        ...(await netRows(runs, folder, progress)),
      ],
    };
    const rows: Row[] = [];
    for (const name of chosenGroups(values.only, Object.keys(groups))) {
      progress(name);
      rows.push(...((await groups[name]?.()) ?? []));
    }
    const isMet = rows.every(({ bar }) => bar === null || bar.isMet);
    console.log(
      values.json ? JSON.stringify({ runs, qemu: version, isMet, rows }, null, 2) : `${table(rows, version)}\n${NOTE}`,
    );
    return isMet ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof TypeError && 'code' in error;
  if (!(error instanceof BenchError) && !isUsage) throw error;
  progress(isUsage ? `${error.message}\n${USAGE}` : error.message);
  process.exitCode = 2;
}
