// SPDX-License-Identifier: BSD-2-Clause
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { QuickstartError } from '../quickstart/tools.js';

const LINES_SHOWN = 30;

/** Runs a program and tells each line of its output as it comes. They are shown only if it fails. */
export function runShowing(program: string, args: readonly string[], onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const last: string[] = [];
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on('line', (line) => {
        last.push(line);
        if (last.length > LINES_SHOWN) last.shift();
        onLine(line);
      });
    }
    child.on('error', (cause) => reject(new QuickstartError(`cannot run ${program}: ${cause.message}`, { cause })));
    child.on('close', (status, signal) => {
      if (status === 0) resolve();
      else reject(new QuickstartError(`${program} ended with ${signal ?? `status ${status}`}:\n${last.join('\n')}`));
    });
  });
}
