// SPDX-License-Identifier: BSD-2-Clause
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './progress.mjs';

const LINES_SHOWN = 30;

/** Runs a program to its end and returns what it wrote. Its output appears only if it fails. */
export function run(program, args, { cwd, env, lines = LINES_SHOWN, onOutput = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let all = '';
    const collect = (chunk) => {
      all += chunk;
      onOutput(String(chunk));
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => reject(new SetupError(`cannot run ${program}: ${error.message}`)));
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(all);
      const shown = all.trimEnd().split('\n').slice(-lines).join('\n');
      reject(new SetupError(`${program} ${args.join(' ')} ended with ${signal ?? `status ${status}`}:\n${shown}`));
    });
  });
}

export function findProgram(name) {
  const folders = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`.split(':');
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
