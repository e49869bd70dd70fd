// SPDX-License-Identifier: BSD-2-Clause
import { ProgressLine } from '../../src/cli/progress-line.js';

const MIB = 1024 * 1024;

test('bytes at once, rate and time left when there is something to say', () => {
  const lines: string[] = [];
  const time = { now: 5000 };
  const line = new ProgressLine(
    (text) => lines.push(text),
    () => time.now,
  );
  line.update(0, 100 * MIB);
  time.now += 100;
  line.update(10 * MIB, 100 * MIB);
  time.now += 900;
  line.update(40 * MIB, 100 * MIB);
  time.now += 1000;
  line.update(0, 0);
  expect(lines).toEqual([
    '0 %, 0 KiB of 100.0 MiB',
    '10 %, 10.0 MiB of 100.0 MiB',
    '40 %, 40.0 MiB of 100.0 MiB, 40.0 MiB/s, 2 s left',
    '100 %, 0 KiB of 0 KiB',
  ]);
});

test('each part of the work has a rate of its own', () => {
  let shown = '';
  const time = { now: 0 };
  const line = new ProgressLine(
    (text) => (shown = text),
    () => time.now,
  );
  line.update(0, 100 * MIB);
  time.now = 10_000;
  line.update(100 * MIB, 100 * MIB);
  line.update(0, 30 * MIB);
  time.now = 11_000;
  line.update(10 * MIB, 30 * MIB);
  expect(shown).toBe('33 %, 10.0 MiB of 30.0 MiB, 10.0 MiB/s, 2 s left');
  line.update(0, 30 * MIB);
  expect(shown).toBe('0 %, 0 KiB of 30.0 MiB');
  time.now = 12_000;
  line.update(30 * MIB, 30 * MIB);
  expect(shown).toBe('100 %, 30.0 MiB of 30.0 MiB, 30.0 MiB/s, 0 s left');
});
