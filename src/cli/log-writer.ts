// SPDX-License-Identifier: BSD-2-Clause
/** Log lines for people, on standard error: `tsbhyve: warning: com1: ...`. */
import type { LogLevel, LogSink } from '../core/log.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[];
export type Verbosity = (typeof LOG_LEVELS)[number];

const WORDS: Readonly<Record<LogLevel, string>> = { debug: 'debug: ', info: '', warn: 'warning: ', error: '' };

export function logWriter(least: Verbosity, print: (line: string) => void): LogSink {
  const threshold = LOG_LEVELS.indexOf(least);
  return (level, scope, message) => {
    if (LOG_LEVELS.indexOf(level) >= threshold) print(`${WORDS[level]}${scope === '' ? '' : `${scope}: `}${message}`);
  };
}
