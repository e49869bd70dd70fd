// SPDX-License-Identifier: BSD-2-Clause
/** What this process says to the launcher (native/launcher), if that has started it. */
import { closeSync, writeSync } from 'node:fs';

const READY = 'r';
const READY_FD = 'TSBHYVE_READY_FD';

/** Asks for the signals that it holds: from now on none is lost. False if nobody is there. */
export function takeSignals(environment: NodeJS.ProcessEnv = process.env): boolean {
  const fd = environment[READY_FD];
  // Programs that we start are not the launcher's business.
  delete environment[READY_FD];
  if (fd === undefined || !/^\d+$/.test(fd)) return false;
  try {
    writeSync(Number(fd), READY);
    closeSync(Number(fd));
    return true;
  } catch {
    return false; // left over from some other process
  }
}
