// SPDX-License-Identifier: BSD-2-Clause
/** What debian-image does when nobody sits at a terminal: boots, logs in, asks what has failed, powers off. */
import { GuestSession } from '../quickstart/guest-session.js';
import { QuickstartError } from '../quickstart/tools.js';
import { ROOT_PASSWORD } from './contents.js';

/** bhyve(8): the guest powered off. */
const POWERED_OFF = 1;

export interface DebianPlay {
  readonly program: string;
  readonly args: readonly string[];
  readonly runFolder: string;
}

export async function playDebian(
  { program, args, runFolder }: DebianPlay,
  print: (line: string) => void,
): Promise<void> {
  const started = performance.now();
  const session = new GuestSession(program, args, runFolder);
  const say = (what: string): void => {
    print(`${what.padEnd(32)} ${((performance.now() - started) / 1000).toFixed(2).padStart(7)} s`);
  };
  try {
    await session.expect('login: ');
    say('the login prompt');
    session.type('root\n');
    await session.expect('Password: ');
    session.type(`${ROOT_PASSWORD}\n`);
    await session.expect('# ');
    say('logged in');
    // Quotes keep the mark out of the echo.
    session.type('systemctl --failed --plain --no-legend; echo "STA""TE=$(systemctl is-system-running --wait)."\n');
    const answer = await session.expect('STATE=');
    if ((await session.expect('.')) !== 'running')
      throw new QuickstartError(`something failed in the guest:\n${answer}`);
    say('nothing has failed');
    session.type('poweroff\n');
    const status = await session.end();
    if (status !== POWERED_OFF)
      throw new QuickstartError(`tsbhyve ended with status ${status}; expected ${POWERED_OFF}, power-off`);
    say('powered off');
  } finally {
    session.kill();
  }
}
