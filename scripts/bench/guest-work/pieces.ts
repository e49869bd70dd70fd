// SPDX-License-Identifier: BSD-2-Clause
/** The pieces of work, as the script `work` of the guest knows them. */
import { BenchError } from '../bench-error.js';
import type { Done } from './worker.js';

export interface Piece {
  readonly name: string;
  readonly about: string;
  readonly unit: string;
  /** What is compared; `isBetter` says in which direction. */
  readonly value: (done: Done) => number;
  readonly isBetter: 'less' | 'more';
  /** Every machine that does it right has the same answer. */
  readonly hasAnswer: boolean;
}

/** A fixed amount of work: by the host's clock. */
const timed = (name: string, about: string): Piece => ({
  name,
  about,
  unit: 's',
  value: ({ seconds }) => seconds,
  isBetter: 'less',
  hasAnswer: true,
});

/** openssl measures for a fixed time by the guest's clock, so what it says is put right by the host's. */
const rated = (name: string, about: string, unit: string, rate: (answer: number) => number): Piece => ({
  name,
  about,
  unit,
  value: ({ answer, seconds, ownSeconds }) => {
    const number = Number(answer);
    if (!(number > 0)) throw new BenchError(`${name}: a number is expected, not "${answer}"`);
    return rate(number) * (ownSeconds / seconds);
  },
  isBetter: 'more',
  hasAnswer: false,
});

const megabytes = (bytes: number): number => bytes / 1e6;

export const PIECES: readonly Piece[] = [
  rated('sha256', 'openssl speed: SHA-256', 'MB/s', megabytes),
  rated('aes', 'openssl speed: AES-128-CBC without AES-NI', 'MB/s', megabytes),
  rated('rsa2048', 'openssl speed: RSA-2048 signatures', '1/s', (rate) => rate),
  timed('gzip', 'gzip -6 of 12 MB'),
  timed('xz', 'xz -6 of 2 MB'),
  timed('python', 'a Python program'),
  timed('sqlite', 'SQL in memory'),
  timed('gcc', 'gcc -O2'),
  timed('sysbench-cpu', 'sysbench cpu'),
  timed('sysbench-memory', 'sysbench memory'),
  timed('syscalls', '2 million system calls'),
  timed('forks', '400 times fork and exec'),
];

export function chosenPieces(names: string | undefined): readonly Piece[] {
  if (names === undefined) return PIECES;
  return names.split(',').map((name) => {
    const piece = PIECES.find((known) => known.name === name);
    if (piece !== undefined) return piece;
    throw new BenchError(`--work ${name}: accepted are ${PIECES.map((known) => known.name).join(', ')}`);
  });
}
