// SPDX-License-Identifier: BSD-2-Clause
/** What `tsbhyve snapshot` and `tsbhyve disk` have in common: commands of commander that print, and tell how far they are. */
import { type Command, CommanderError } from 'commander';
import { ProgressLine } from './progress-line.js';
import { UsageError } from './usage-error.js';

export interface CommandOutput {
  readonly print: (text: string) => void;
  /** A line that the next one replaces; null takes it away. */
  readonly progress: (text: string | null) => void;
}

interface Following {
  readonly onProgress: (done: number, total: number) => void;
}

/** Runs the row `name`; its progress makes way for what it prints, and for its end. */
export function followed(
  name: string,
  { print, progress }: CommandOutput,
  run: (print: CommandOutput['print'], following: Following) => void,
): void {
  const line = new ProgressLine(
    (text) => progress(`${name}: ${text}`),
    () => performance.now(),
  );
  const say = (text: string): void => {
    progress(null);
    print(text);
  };
  try {
    run(say, { onProgress: (done, total) => line.update(done, total) });
  } finally {
    progress(null);
  }
}

/** `subject` is the first word of the command line. */
export function parseRows(command: Command, subject: string, words: readonly string[]): void {
  try {
    command.parse(words.length === 0 ? ['--help'] : words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    throw new UsageError(subject, `${error.message.replace(/^error: /, '')}; ${subject} -h lists what is accepted`);
  }
}
