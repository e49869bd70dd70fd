// SPDX-License-Identifier: BSD-2-Clause
import { wantsSandbox } from '../../src/cli/sandbox-word.js';

test('where there is none it is off, and refused by name', () => {
  expect(wantsSandbox(undefined, 'linux')).toBe(true);
  expect(wantsSandbox('off', 'linux')).toBe(false);
  expect(wantsSandbox(undefined, 'freebsd')).toBe(false);
  expect(() => wantsSandbox('on', 'freebsd')).toThrow(
    "sandbox: 'on': there is none on freebsd, because Node opens files",
  );
});
