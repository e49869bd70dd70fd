// SPDX-License-Identifier: BSD-2-Clause

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** A logger whose messages carry `name` as well. */
  scoped(name: string): Logger;
  /** This logger for the first use of `key`, and a silent one after that: a guest must not be able to flood a log. */
  once(key: string): Logger;
}

/** Receives finished messages; `scope` is the path of names given to `scoped`, such as `vm.com1`. */
export type LogSink = (level: LogLevel, scope: string, message: string) => void;

const silent = (): void => {};

export const nullLogger: Logger = {
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  scoped: () => nullLogger,
  once: () => nullLogger,
};

/** The guest chooses keys (ports, addresses), so their number is bounded as well. */
const MAX_KEYS = 1000;

export class SinkLogger implements Logger {
  private readonly seen = new Set<string>();

  constructor(
    private readonly sink: LogSink,
    private readonly scope = '',
  ) {}

  debug(message: string): void {
    this.sink('debug', this.scope, message);
  }

  info(message: string): void {
    this.sink('info', this.scope, message);
  }

  warn(message: string): void {
    this.sink('warn', this.scope, message);
  }

  error(message: string): void {
    this.sink('error', this.scope, message);
  }

  scoped(name: string): Logger {
    return new SinkLogger(this.sink, this.scope === '' ? name : `${this.scope}.${name}`);
  }

  once(key: string): Logger {
    if (this.seen.has(key) || this.seen.size >= MAX_KEYS) return nullLogger;
    this.seen.add(key);
    return this;
  }
}
