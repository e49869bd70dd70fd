// SPDX-License-Identifier: BSD-2-Clause
/** The command from its words to its exit status. */
import { parseArguments } from './args.js';
import { endOnSigterm, type VmSignal } from './early-signals.js';
import { EXIT_STATUS, exitStatus } from './exit-status.js';
import { type Prepared, prepare } from './prepare.js';
import { confine } from './sandbox.js';
import { refuseSignal } from './signals.js';
import { VmDoor } from './vm-door.js';

/** Errors a user can do something about have one line; anything else is our mistake and shows where it was made. */
const EXPECTED = [
  'UsageError',
  'ConfigError',
  'BootError',
  'HostError',
  'HypervisorError',
  'StartError',
  'SnapshotError',
];

export async function main(words: readonly string[], early: VmSignal[]): Promise<number> {
  const status = await run(words, early);
  // With a VM they have been answered.
  for (const signal of new Set(early.splice(0))) refuseSignal(signal, false, say);
  return status;
}

async function run(words: readonly string[], early: VmSignal[]): Promise<number> {
  try {
    if (words[0] === 'snapshot') {
      endOnSigterm(early);
      const { snapshotCommand } = await import('./snapshot-command.js');
      return snapshotCommand(words.slice(1), { print: (text) => process.stdout.write(text), progress: sayForNow });
    }
    if (words[0] === 'disk') {
      endOnSigterm(early);
      const { diskCommand } = await import('./disk-command.js');
      return diskCommand(words.slice(1), { print: (text) => process.stdout.write(text), progress: sayForNow });
    }
    const parsed = parseArguments(words);
    if (parsed.kind === 'print') {
      process.stdout.write(parsed.text);
      return 0;
    }
    return await runPrepared(await prepare(parsed.tree), early);
  } catch (error) {
    const { name, message, stack } = error as Error;
    say(EXPECTED.includes(name) ? message : `${stack ?? message}`);
    return EXIT_STATUS.error;
  }
}

async function runPrepared({ settings, folder, notices }: Prepared, early: VmSignal[]): Promise<number> {
  try {
    for (const notice of notices) say(notice);
    if (settings.engineNotice !== undefined) say(settings.engineNotice);
    const [{ runVm }, { openVm }] = await Promise.all([import('./run-vm.js'), import('./open-vm.js')]);
    const reason = await runVm(settings, {
      openVm,
      early,
      print: say,
      progress: sayForNow,
      confine: (log) => confine(settings, folder.paths, log),
      door: new VmDoor(folder),
    });
    if (reason.kind === 'error') say(reason.message);
    if (reason.kind === 'triple-fault') say('the guest ended in a triple fault');
    return exitStatus(reason);
  } finally {
    folder.release();
  }
}

let saidForNow = false;

/** For people who watch; a log keeps only what stays. What is taken away must be ours: the line may be the guest's. */
function sayForNow(text: string | null): void {
  if (!process.stderr.isTTY || (text === null && !saidForNow)) return;
  saidForNow = text !== null;
  process.stderr.write(`\r\x1b[K${text === null ? '' : `tsbhyve: ${text}`}`);
}

/** In a raw terminal the guest may be in the middle of a line, and a line feed alone does not go back to the left edge. */
function say(text: string): void {
  const raw = process.stdin.isTTY && process.stdin.isRaw;
  const lines = text.split('\n').map((line) => `tsbhyve: ${line}`);
  process.stderr.write(raw ? `\r\n${lines.join('\r\n')}\r\n` : `${lines.join('\n')}\n`);
}
