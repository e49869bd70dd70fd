// SPDX-License-Identifier: BSD-2-Clause
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chosenPieces, PIECES, type Piece } from '../../scripts/bench/guest-work/pieces.js';
import { rowsOf, SIDES, type Side } from '../../scripts/bench/guest-work/work-rows.js';
import { type Done, endOf } from '../../scripts/bench/guest-work/worker.js';

const named = (name: string): Piece => {
  const piece = PIECES.find((known) => known.name === name);
  if (piece === undefined) throw new Error(`no piece is called ${name}`);
  return piece;
};
const [gzip, sha256] = [named('gzip'), named('sha256')];

/** Each side did it once. */
function done(times: Readonly<Record<Side, Done>>, piece: Piece) {
  return new Map(SIDES.map((side) => [side, new Map([[piece.name, [times[side]]]])]));
}

const took = (seconds: number, answer = 'x', ownSeconds = seconds): Done => ({ seconds, ownSeconds, answer });

test('the script of the guest knows every piece', () => {
  const script = readFileSync(join(process.cwd(), 'scripts/bench/guest-work/guest/work'), 'utf8');
  for (const { name } of PIECES) expect(script).toContain(`\nwork_${name}() {`);
  expect([...script.matchAll(/^work_/gm)]).toHaveLength(PIECES.length);
});

test('an end is read once its whole line is there', () => {
  const begun = 'BEGIN gzip\r\n';
  expect(endOf('gzip', begun)).toBeNull();
  expect(endOf('gzip', `${begun}END gzip 0 1500000 12 3`)).toBeNull();
  expect(endOf('gzip', `${begun}END gzip 0 1500000 12 34\r\n`)).toEqual(['0', '1500000', '12 34']);
  expect(endOf('xz', `${begun}END gzip 0 1500000 12 34\r\n`)).toBeNull();
});

test('seconds: less is better, and the faster QEMU counts', () => {
  const times = { tsbhyve: took(3), qemu64: took(8), max: took(6), native: took(0.5) };
  const [row, mean] = rowsOf([gzip], done(times, gzip));
  expect(row).toMatchObject({ tsbhyve: 3, qemu: 8, beside: { '-cpu max': 6, native: 0.5 } });
  expect(row?.beside).toMatchObject({ 'ours/QEMU': 2, 'native/ours': 6 });
  expect(row?.bar?.isMet).toBe(true);
  expect(mean?.tsbhyve).toBeCloseTo(2);
  expect(mean?.bar?.isMet).toBe(true);
});

test('rates: more is better, and the slower of two is not met', () => {
  const times = {
    tsbhyve: took(3, '40e6'),
    qemu64: took(3, '50e6'),
    max: took(3, '20e6'),
    native: took(3, '400e6'),
  };
  const [row] = rowsOf([sha256], done(times, sha256));
  expect(row?.beside).toMatchObject({ 'ours/QEMU': 0.8, 'native/ours': 10 });
  expect(row?.bar?.isMet).toBe(false);
});

test('a clock that runs slow in the guest flatters nobody, and is told', () => {
  const honest = took(3, '40e6');
  // It believes that three seconds have passed after six of the host's.
  const times = { tsbhyve: took(6, '80e6', 3), qemu64: honest, max: honest, native: honest };
  const rows = rowsOf([sha256], done(times, sha256));
  expect(rows[0]?.tsbhyve).toBeCloseTo(40);
  expect(rows.at(-1)).toMatchObject({ tsbhyve: 50, qemu: 0, bar: { isMet: false } });
});

test('who computes something else has done nothing', () => {
  const times = { tsbhyve: took(3, '1 2'), qemu64: took(8, '1 3'), max: took(6, '1 2'), native: took(1, '1 2') };
  expect(() => rowsOf([gzip], done(times, gzip))).toThrow('gzip: qemu64 answers 1 3, the host 1 2');
  const silent = { ...times, native: took(1, '') };
  expect(() => rowsOf([gzip], done(silent, gzip))).toThrow('gzip: no answer on the host');
});

test('openssl has to say a number', () => {
  const wrong = took(3, 'Error setting cipher');
  const times = { tsbhyve: wrong, qemu64: wrong, max: wrong, native: wrong };
  expect(() => rowsOf([sha256], done(times, sha256))).toThrow('sha256: a number is expected, not "Error setting');
});

test('pieces are chosen by name', () => {
  expect(chosenPieces(undefined)).toBe(PIECES);
  expect(chosenPieces('xz,gzip').map(({ name }) => name)).toEqual(['xz', 'gzip']);
  expect(() => chosenPieces('xz,zip')).toThrow('--work zip: accepted are sha256, aes');
});
