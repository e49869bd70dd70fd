// SPDX-License-Identifier: BSD-2-Clause
import { runsVm } from '../../src/cli/runs-vm.js';

test.each([
  ['-r', 'one'],
  ['-m', '1G', '--kernel', 'vmlinuz', 'vm'],
  ['-k', 'vm.conf'],
  ['--continue', 'vm'],
])('%j runs a VM', (...words) => {
  expect(runsVm(words)).toBe(true);
});

test.each([[], ['-h'], ['-s', 'help'], ['snapshot', 'show', '-r']])('%j does not', (...words) => {
  expect(runsVm(words)).toBe(false);
});
