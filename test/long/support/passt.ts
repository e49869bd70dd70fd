// SPDX-License-Identifier: BSD-2-Clause
/** Debian's passt, which carries a guest's network over a unix socket. */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missing } from '../../support/nbd-servers.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

export class Passt {
  private constructor(
    readonly socket: string,
    private readonly pid: number,
  ) {}

  /** Once it listens; or why it does not. */
  static start(...words: readonly string[]): Passt | string {
    const folder = temporaryFolder('passt');
    chmodSync(folder, 0o777); // root's becomes nobody before it makes files
    const [socket, pidFile] = [join(folder, 'socket'), join(folder, 'pid')];
    // It goes to the background when it is ready.
    const { status, stderr } = spawnSync('passt', ['-q', '-s', socket, '-P', pidFile, ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    if (status === 0) return new Passt(socket, Number(readFileSync(pidFile, 'utf8')));
    return stderr.trimEnd().split('\n').at(-1) ?? `status ${status}`;
  }

  end(): void {
    process.kill(this.pid);
  }
}

/** For the name of a test: why it is skipped, if it is. */
export function withoutPasst(): string | null {
  const absent = missing('passt');
  if (absent !== null) return absent;
  const trial = Passt.start();
  if (typeof trial === 'string') return ` (skipped: passt does not start here: ${trial})`;
  trial.end();
  return null;
}
