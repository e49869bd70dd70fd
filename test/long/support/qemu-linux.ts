// SPDX-License-Identifier: BSD-2-Clause
/** A Linux guest of QEMU's, at whose console a test types. */
import type { Guest } from '../../../scripts/quickstart/guest.js';
import { Run } from '../../cli/support/run.js';
import { CommandShell } from './command-shell.js';

export const QEMU = 'qemu-system-x86_64';

/** At its first prompt; `endRuns` ends it. */
export async function bootQemu({ kernel, initrd }: Guest, ...words: readonly string[]): Promise<CommandShell> {
  const machine = ['-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio', '-m', '128M'];
  const boot = ['-accel', 'tcg', '-cpu', 'max', '-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0'];
  const shell = new CommandShell(new Run({ program: QEMU }, ...machine, ...boot, ...words));
  await shell.answer();
  return shell;
}
