// SPDX-License-Identifier: BSD-2-Clause
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Gives back what is not used any more, now. A thread that allocates little goes for minutes without a full collection,
 * and V8 does not count the megabytes behind an ArrayBuffer as a reason for one.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
}
