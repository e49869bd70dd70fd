// SPDX-License-Identifier: BSD-2-Clause
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareWithLock, type StateLock } from '../../src/core/state-lock.js';
import { shapes } from '../../src/machine/state-registry.js';

const LOCK_FILE = join(__dirname, '../../docs/state/lock.json');

test('every saved state looks as docs/state/lock.json says (after a change: npm run state:lock)', () => {
  const lock: StateLock = JSON.parse(readFileSync(LOCK_FILE, 'utf8'));
  const problems = compareWithLock(
    shapes.map((shape) => shape.describe()),
    lock,
  );
  expect(problems).toEqual([]);
});
