// SPDX-License-Identifier: BSD-2-Clause
/** `npm run bench`: boots, exits, start-up and memory, each beside QEMU in the same run. Downloads nothing, unless told to. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder, guestIn } from '../quickstart/guest.js';
import { QuickstartError, type Step } from '../quickstart/tools.js';
import { BenchError } from './bench-error.js';
import { bootRows } from './boot-rows.js';
import { cloneRows } from './clone-rows.js';
import { debianRows } from './debian/debian-rows.js';
import { hasImage } from './debian/debian-vm.js';
import { exitRateRows } from './exit-rate-rows.js';
import { hasRoot, makeRoot } from './guest-work/guest-root.js';
import { chosenPieces } from './guest-work/pieces.js';
import { workRows } from './guest-work/work-rows.js';
import { idleRows } from './idle-cost.js';
import { inTurns } from './in-turns.js';
import { mmioRead, portRead } from './loop-kernel.js';
import { emptyNode, roundTrip, startUp } from './measurements.js';
import { type BenchGuest, qemu, qemuVersion, requireBuild, tsbhyve } from './programs.js';
import { atMost, line, type Row, table } from './report.js';
import { incrementalRows, snapshotRows } from './snapshot-rows.js';
import { median } from './statistics.js';
import { translatorRows } from './translator-rows.js';

const USAGE =
  'usage: npm run bench -- [--json] [--runs N] [--only GROUP,...] [--work PIECE,...] [--kernel FILE --initrd FILE]\n' +
  '       npm run bench -- --make-guest';
const COMMAND_LINE = 'console=ttyS0 panic=-1';

/** Under the table of boots. */
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

async function exitRow(name: string, access: readonly number[], runs: number, folder: string): Promise<Row> {
  const times = await inTurns(
    runs,
    { tsbhyve: () => roundTrip(tsbhyve, access, folder), qemu: () => roundTrip(qemu, access, folder) },
    (run) => progress(`${name}, ${run} of ${runs}`),
  );
  const ours = median(times.tsbhyve);
  return { name, unit: 'ns', tsbhyve: ours, qemu: median(times.qemu), bar: atMost(ours, 1000, '1000') };
}

async function startUpRows(runs: number, folder: string): Promise<Row[]> {
  const times = await inTurns(
    runs,
    { tsbhyve: () => startUp(tsbhyve, portRead, folder), qemu: () => startUp(qemu, portRead, folder) },
    (run) => progress(`starting up, ${run} of ${runs}`),
  );
  const node = median(Array.from({ length: runs }, emptyNode));
  const ours = median(times.tsbhyve);
  return [
    { name: "start to the guest's first byte", unit: 'ms', tsbhyve: ours, qemu: median(times.qemu), bar: null },
    { name: 'the same in empty node processes', unit: 'times', tsbhyve: ours / node, qemu: null, bar: null },
  ];
}

/** Making their guests takes minutes and a network, so it is nothing that a benchmark does on its own. */
const GUESTS_TO_MAKE: Readonly<Record<string, { readonly isThere: () => boolean; readonly command: string }>> = {
  debian: { isThere: hasImage, command: 'npm run debian-image -- --no-boot' },
  'guest-work': { isThere: () => hasRoot(cacheFolder(process.env)), command: 'npm run bench -- --make-guest' },
};

function isLeftOut(name: string): boolean {
  const guest = GUESTS_TO_MAKE[name];
  if (guest === undefined || guest.isThere()) return false;
  progress(`${name} is left out: ${guest.command} makes its guest`);
  return true;
}

function chosenGroups(only: string | undefined, known: readonly string[]): readonly string[] {
  const chosen = only?.split(',') ?? known.filter((name) => !isLeftOut(name));
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
      work: { type: 'string' },
      'make-guest': { type: 'boolean', default: false },
      kernel: { type: 'string' },
      initrd: { type: 'string' },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new BenchError(`--runs ${values.runs}: a number from 1 is accepted`);
  const cache = cacheFolder(process.env);
  if (values['make-guest']) {
    const step: Step = (title, work) => {
      progress(title);
      return work(() => {});
    };
    console.log(await makeRoot(cache, step));
    return 0;
  }
  const pieces = chosenPieces(values.work);
  const version = qemuVersion();
  requireBuild();
  const guest = await guestFor(values.kernel, values.initrd);
  const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-bench-'));
  try {
    const groups: Readonly<Record<string, () => Promise<Row[]> | AsyncIterable<Row>>> = {
      boot: () => bootRows(guest, runs, progress),
      exits: async () => [
        await exitRow('port read from a TypeScript device', portRead, runs, folder),
        await exitRow('MMIO read from a TypeScript device', mmioRead, runs, folder),
        ...exitRateRows(runs, progress),
      ],
      start: () => startUpRows(runs, folder),
      snapshots: () => snapshotRows(guest, runs, folder, progress),
      incremental: () => incrementalRows(guest, folder),
      clones: () => cloneRows(guest, folder),
      idle: () => idleRows(guest),
      translator: () => translatorRows(guest, runs, folder, progress),
      'guest-work': () => workRows({ kernel: guest.kernel, pieces, runs, cache, folder, progress }),
      debian: () => debianRows({ runs, folder, progress }),
    };
    const rows: Row[] = [];
    const chosen = chosenGroups(values.only, Object.keys(groups));
    for (const name of chosen) {
      progress(name);
      for await (const row of (await groups[name]?.()) ?? []) {
        rows.push(row);
        progress(line(row));
      }
    }
    const isMet = rows.every(({ bar }) => bar === null || bar.isMet);
    console.log(
      values.json
        ? JSON.stringify({ runs, qemu: version, isMet, rows }, null, 2)
        : `${table(rows, version)}${chosen.includes('boot') ? `\n${NOTE}` : ''}`,
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
  if (!(error instanceof BenchError || error instanceof QuickstartError || isUsage)) throw error;
  progress(isUsage ? `${error.message}\n${USAGE}` : error.message);
  process.exitCode = 2;
}
