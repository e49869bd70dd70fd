// SPDX-License-Identifier: BSD-2-Clause
/** What Debian's programs do in a guest of either program and on the host: the same files, in turns. */
import { BenchError } from '../bench-error.js';
import { type BenchGuest, qemu, qemuMax, tsbhyve } from '../programs.js';
import { atLeast, atMost, type Row } from '../report.js';
import { geometricMean, median } from '../statistics.js';
import { workInitrd, workRoot } from './guest-root.js';
import type { Piece } from './pieces.js';
import { type Done, Worker } from './worker.js';

const MIB = 1024;
/** How far the guest's clock may go wrong while a piece is done: the marks take their time too. */
const CLOCK_PERCENT = 2;
const MEAN_WANTED = 1.5;

export const SIDES = ['tsbhyve', 'qemu64', 'max', 'native'] as const;
export type Side = (typeof SIDES)[number];

/** By side and name of the piece. */
export type WorkDone = ReadonlyMap<Side, ReadonlyMap<string, readonly Done[]>>;

export interface WorkRequest {
  readonly kernel: string;
  readonly pieces: readonly Piece[];
  readonly runs: number;
  readonly cache: string;
  readonly folder: string;
  readonly progress: (text: string) => void;
}

export async function workRows(request: WorkRequest): Promise<Row[]> {
  const { kernel, pieces, runs, cache, folder, progress } = request;
  const tree = workRoot(cache);
  const guest: BenchGuest = { kernel, initrd: workInitrd(tree, folder), append: 'console=ttyS0 panic=-1 rdinit=/init' };
  const commands: Readonly<Record<Side, readonly string[]>> = {
    tsbhyve: tsbhyve.command(guest, { mib: MIB }),
    qemu64: qemu.command(guest, { mib: MIB }),
    max: qemuMax.command(guest, { mib: MIB }),
    native: nativeCommand(tree),
  };
  const done = new Map(SIDES.map((side) => [side, new Map(pieces.map(({ name }): [string, Done[]] => [name, []]))]));
  for (let run = 1; run <= runs; run += 1) {
    for (const side of SIDES) {
      const worker = await Worker.start(commands[side]);
      try {
        for (const { name } of pieces) {
          progress(`${name}, ${side}, ${run} of ${runs}`);
          done
            .get(side)
            ?.get(name)
            ?.push(await worker.work(name));
        }
      } finally {
        worker.stop();
      }
    }
  }
  return rowsOf(pieces, done);
}

/** Who is not root becomes it in a user namespace, for chroot alone. */
function nativeCommand(tree: string): readonly string[] {
  const chroot = ['chroot', tree, '/bench/work'];
  return process.getuid?.() === 0 ? chroot : ['unshare', '--map-root-user', ...chroot];
}

export function rowsOf(pieces: readonly Piece[], done: WorkDone): Row[] {
  const of = (side: Side, { name }: Piece): readonly Done[] => done.get(side)?.get(name) ?? [];
  const speeds: number[] = [];
  const distances: number[] = [];
  const rows = pieces.map((piece): Row => {
    checkAnswers(piece, (side) => of(side, piece));
    const value = (side: Side): number => median(of(side, piece).map(piece.value));
    /** How much faster the first is. */
    const faster = (one: number, other: number): number => (piece.isBetter === 'less' ? other / one : one / other);
    const [ours, qemu64, max, native] = [value('tsbhyve'), value('qemu64'), value('max'), value('native')];
    const best = faster(qemu64, max) >= 1 ? qemu64 : max;
    const speed = faster(ours, best);
    const distance = faster(native, ours);
    speeds.push(speed);
    distances.push(distance);
    return {
      name: piece.about,
      unit: piece.unit,
      tsbhyve: ours,
      qemu: qemu64,
      beside: { '-cpu max': max, native, 'ours/QEMU': speed, 'native/ours': distance },
      bar: atLeast(speed, 1, "QEMU's speed"),
    };
  });
  const mean = geometricMean(speeds);
  const means: Row = {
    name: 'geometric mean of the speeds',
    unit: 'times',
    tsbhyve: mean,
    qemu: 1,
    beside: { 'ours/QEMU': mean, 'native/ours': geometricMean(distances) },
    bar: atLeast(mean, MEAN_WANTED, `${MEAN_WANTED}`),
  };
  const clocks = (side: Side): number => worstClock(pieces.flatMap((piece) => of(side, piece)));
  const ours = clocks('tsbhyve');
  const clock: Row = {
    name: "guest's clock against the host's, worst",
    unit: '%',
    tsbhyve: ours,
    qemu: clocks('qemu64'),
    beside: { '-cpu max': clocks('max'), native: clocks('native') },
    bar: atMost(ours, CLOCK_PERCENT, `${CLOCK_PERCENT}`),
  };
  return [...rows, means, clock];
}

/** A machine that computes something else has not done the work. */
function checkAnswers({ name, hasAnswer }: Piece, of: (side: Side) => readonly Done[]): void {
  if (!hasAnswer) return;
  const expected = of('native')[0]?.answer;
  if (expected === '') throw new BenchError(`${name}: no answer on the host`);
  for (const side of SIDES) {
    const wrong = of(side).find(({ answer }) => answer !== expected);
    if (wrong !== undefined) throw new BenchError(`${name}: ${side} answers ${wrong.answer}, the host ${expected}`);
  }
}

/** In percent of a piece's time. */
function worstClock(all: readonly Done[]): number {
  return Math.max(...all.map(({ seconds, ownSeconds }) => Math.abs(100 * (ownSeconds / seconds - 1))));
}
