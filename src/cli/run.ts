// SPDX-License-Identifier: BSD-2-Clause
/** The command from its words to its exit status. */
import { parseArguments } from './args.js';
import type { VmSignal } from './early-signals.js';
import { EXIT_STATUS, exitStatus } from './exit-status.js';
import { settingsOf } from './settings.js';

/** Errors a user can do something about have one line; anything else is our mistake and shows where it was made. */
const EXPECTED = ['UsageError', 'ConfigError', 'BootError', 'HostError', 'HypervisorError', 'StartError'];

export async function main(words: readonly string[], early: VmSignal[]): Promise<number> {
  try {
    const parsed = parseArguments(words);
    if (parsed.kind === 'print') {
      process.stdout.write(parsed.text);
      return 0;
    }
    const now = new Date();
    const settings = settingsOf(parsed.tree, now.getTime(), -now.getTimezoneOffset());
    if (settings.engineNotice !== undefined) say(settings.engineNotice);
    const [{ runVm }, { openVm }] = await Promise.all([import('./run-vm.js'), import('./open-vm.js')]);
    const reason = await runVm(settings, { openVm, early, print: say });
    if (reason.kind === 'error') say(reason.message);
    if (reason.kind === 'triple-fault') say('the guest ended in a triple fault');
    return exitStatus(reason);
  } catch (error) {
    const { name, message, stack } = error as Error;
    say(EXPECTED.includes(name) ? message : `${stack ?? message}`);
    return EXIT_STATUS.error;
  }
}

/** In a raw terminal the guest may be in the middle of a line, and a line feed alone does not go back to the left edge. */
function say(text: string): void {
  const raw = process.stdin.isTTY && process.stdin.isRaw;
  const lines = text.split('\n').map((line) => `tsbhyve: ${line}`);
  process.stderr.write(raw ? `\r\n${lines.join('\r\n')}\r\n` : `${lines.join('\n')}\n`);
}
