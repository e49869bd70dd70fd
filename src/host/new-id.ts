// SPDX-License-Identifier: BSD-2-Clause
import { randomBytes } from 'node:crypto';

/** Ids come from random bits: two snapshots of one second are two. */
export function newId(): string {
  return randomBytes(16).toString('hex');
}
