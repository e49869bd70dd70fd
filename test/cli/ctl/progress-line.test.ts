// SPDX-License-Identifier: BSD-2-Clause
import { ProgressLine } from '../../../src/cli/ctl/progress-line.js';

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
