// SPDX-License-Identifier: BSD-2-Clause
import { BootError } from './boot-error.js';
import type { PlannedWrite } from './boot-plan.js';
import { BOOT_AREA } from './memory-map.js';

/** The command line as a zero-terminated string at its fixed place; `limit` excludes the terminator. */
export function commandLineWrite(file: string, text: string, limit = BOOT_AREA.commandLineSize - 1): PlannedWrite {
  const bytes = Buffer.from(`${text}\0`, 'utf8');
  if (text.includes('\0')) {
    throw new BootError(file, 'the command line contains a NUL character, which would cut it short');
  }
  const accepted = Math.min(limit, BOOT_AREA.commandLineSize - 1);
  if (bytes.length - 1 > accepted) {
    throw new BootError(file, `the command line has ${bytes.length - 1} bytes, at most ${accepted} are accepted`);
  }
  return { what: 'command line', address: BOOT_AREA.commandLine, bytes };
}
