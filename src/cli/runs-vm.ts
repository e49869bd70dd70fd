// SPDX-License-Identifier: BSD-2-Clause

/** Whether these words are likely to run a VM; being wrong costs some milliseconds. */
export function runsVm(words: readonly string[]): boolean {
  if (words[0] === 'snapshot' || words[0] === 'disk') return false;
  return words.some((word) => word === '--continue' || /^(-r|-k|-o|--kernel)/.test(word));
}
