// SPDX-License-Identifier: BSD-2-Clause
import { randomBytes } from 'node:crypto';

/** Of a snapshot, a layer or a file. Ids come from random bits: two of one second are two. */
export function newId(): string {
  return randomBytes(16).toString('hex');
}
