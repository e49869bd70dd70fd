// SPDX-License-Identifier: BSD-2-Clause
import { closeSync, fstatSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeSignals } from '../../src/cli/launched.js';

test('one word to the launcher, the descriptor is closed, and programs that we start know nothing of it', () => {
  const path = join(tmpdir(), `tsbhyve-launched-${process.pid}`);
  const fd = openSync(path, 'w');
  const environment = { TSBHYVE_READY_FD: String(fd), HOME: '/' };
  expect(takeSignals(environment)).toBe(true);
  expect(readFileSync(path, 'latin1')).toBe('r');
  expect(() => fstatSync(fd)).toThrow('EBADF');
  expect(environment).toEqual({ HOME: '/' });
  rmSync(path);
});

test('without a launcher, or with what is left of one, there is nobody to tell', () => {
  expect(takeSignals({})).toBe(false);
  expect(takeSignals({ TSBHYVE_READY_FD: 'three' })).toBe(false);
  const fd = openSync('/dev/null', 'w');
  closeSync(fd);
  expect(takeSignals({ TSBHYVE_READY_FD: String(fd) })).toBe(false);
});
