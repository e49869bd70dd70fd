// SPDX-License-Identifier: BSD-2-Clause
/** `--sandbox on|off`. */
import { UsageError } from './usage-error.js';

export const SWITCH = ['on', 'off'] as const;

/** `word` is what was asked for, if anything was. */
export function wantsSandbox(word: (typeof SWITCH)[number] | undefined, platform = process.platform): boolean {
  if (platform === 'linux') return word !== 'off';
  if (word !== 'on') return false;
  const reason = 'Node opens files by their names, which Capsicum would forbid';
  throw new UsageError('sandbox', `'on': there is none on ${platform}, because ${reason}; accepted is off`);
}
