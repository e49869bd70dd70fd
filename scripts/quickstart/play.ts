// SPDX-License-Identifier: BSD-2-Clause
/** What quickstart does when nobody sits at a terminal: boots, tries a few commands in the guest, powers off. */
import { join } from 'node:path';
import { GuestSession } from './guest-session.js';
import { GUEST_UP, PROMPT } from './initramfs.js';
import { countThroughSuspend } from './suspend-trial.js';
import { QuickstartError } from './tools.js';

interface Trial {
  readonly command: string;
  readonly right: (output: string, milliseconds: number) => boolean;
}

/** bhyve(8): the guest powered off. */
const POWERED_OFF = 1;

const year = (): string => String(new Date().getUTCFullYear());

const TRIALS: readonly Trial[] = [
  { command: 'uname -a', right: (output) => /^Linux .*-cloud-amd64 .*x86_64/m.test(output) },
  {
    command: 'head -n 9 /proc/cpuinfo',
    right: (output) => /^processor\t: 0$/m.test(output) && /^model name/m.test(output),
  },
  { command: 'date', right: (output) => output.includes(year()) },
  { command: 'sleep 1', right: (_, milliseconds) => milliseconds >= 900 && milliseconds < 10_000 },
];

export interface Play {
  readonly program: string;
  readonly args: readonly string[];
  /** For the suspended guest. */
  readonly store: string;
}

export async function play({ program, args, store }: Play, print: (line: string) => void): Promise<void> {
  const started = performance.now();
  const runFolder = join(store, '.run'); // no name of a snapshot
  let session = new GuestSession(program, ['--store', store, ...args], runFolder);
  const say = (what: string, since: number): void => {
    print(`${what.padEnd(32)} ${((performance.now() - since) / 1000).toFixed(2).padStart(7)} s`);
  };
  try {
    await session.expect('Linux version');
    say("the kernel's first line", started);
    await session.expect(GUEST_UP);
    say("the guest's first line", started);
    await session.expect(PROMPT);
    say("the shell's prompt", started);
    for (const [index, trial] of TRIALS.entries()) {
      const asked = performance.now();
      const output = await answer(session, index, trial, asked);
      say(`$ ${trial.command}`, asked);
      if (output !== '') print(output.replace(/^/gm, '    '));
    }
    const counting = performance.now();
    session = await countThroughSuspend(session, (name) => {
      return new GuestSession(program, ['--store', store, '-l', 'com1,stdio', '-r', name], runFolder);
    });
    say('counted through suspend, resume', counting);
    const asked = performance.now();
    session.type('poweroff\n');
    const status = await session.end();
    if (status !== POWERED_OFF)
      throw new QuickstartError(`tsbhyve ended with status ${status}; expected ${POWERED_OFF}, power-off`);
    say('$ poweroff', asked);
    say('everything', started);
  } finally {
    session.kill();
  }
}

/** The shell's echo of the command holds the mark in two pieces, so only its output matches. */
async function answer(session: GuestSession, index: number, trial: Trial, asked: number): Promise<string> {
  session.type(`${trial.command}; echo "DONE"-${index}:$?\n`);
  await session.expect(`echo "DONE"-${index}:$?\n`);
  const output = (await session.expect(`DONE-${index}:`)).trimEnd();
  const status = (await session.expect('\n')).trim();
  await session.expect(PROMPT);
  if (status !== '0' || !trial.right(output, performance.now() - asked)) {
    throw new QuickstartError(`'${trial.command}' in the guest went wrong (status ${status}). It printed:\n${output}`);
  }
  return output;
}
