// SPDX-License-Identifier: BSD-2-Clause
/** `--on-sigterm`: what SIGTERM does, with a bound, because whoever sends it soon sends SIGKILL. */
import { UsageError } from './usage-error.js';

export const SIGTERM_ACTIONS = ['poweroff', 'suspend'] as const;

export interface SigtermPolicy {
  readonly action: (typeof SIGTERM_ACTIONS)[number];
  /** How long it may take; null means as long as it takes. */
  readonly seconds: number | null;
}

/** As bhyve does. */
export const SIGTERM_DEFAULT = 'poweroff';

export function parseSigterm(where: string, text: string): SigtermPolicy {
  const [word, bound, ...rest] = text.split(',');
  const action = SIGTERM_ACTIONS.find((candidate) => candidate === word);
  const seconds = bound === undefined ? null : Number(bound);
  const isBound = bound === undefined || (/^\d{1,6}$/.test(bound) && seconds !== 0);
  if (action !== undefined && isBound && rest.length === 0) return { action, seconds };
  const accepted = `${SIGTERM_ACTIONS.join(' and ')}, each with a number of seconds such as suspend,60`;
  throw new UsageError(where, `'${text}'; accepted are ${accepted}`);
}
