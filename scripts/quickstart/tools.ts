// SPDX-License-Identifier: BSD-2-Clause
import { execFile } from 'node:child_process';

/** Something the user can put right: shown as one message, without a stack. */
export class QuickstartError extends Error {
  readonly expected = true;
}

export interface Progress {
  readonly done: number;
  readonly total?: number;
  readonly unit: string;
}

/** Runs a long step and shows it; `report` tells how far it is. */
export type Step = <Result>(
  title: string,
  work: (report: (state: Progress) => void) => Promise<Result>,
) => Promise<Result>;

export function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const missing = error.code === 'ENOENT';
      const problem = missing
        ? `${program} is not installed`
        : `${program} ${args.join(' ')} failed:\n${stderr || stdout}`;
      reject(new QuickstartError(problem, { cause: error }));
    });
  });
}
