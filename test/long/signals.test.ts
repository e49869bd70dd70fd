// SPDX-License-Identifier: BSD-2-Clause
/** One signal at every 2 ms of the start of the command: each is answered, and nothing is ever listened on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ECHO_GUEST } from '../cli/support/echo-guest.js';
import { endRuns } from '../cli/support/run.js';
import { signalTrial } from '../cli/support/signal-trial.js';

const LAST_MS = 300;
const STEP_MS = 2;

let folder = '';
let kernel = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-signals-'));
  kernel = join(folder, 'echo-guest');
  writeFileSync(kernel, ECHO_GUEST);
});
afterEach(endRuns);
afterAll(() => rmSync(folder, { recursive: true }));

test.each(['SIGUSR1', 'SIGUSR2', 'SIGTERM'] as const)('%s at every moment', async (signal) => {
  for (let delay = 0; delay <= LAST_MS; delay += STEP_MS) {
    await signalTrial(folder, kernel, signal, delay);
    endRuns(); // and its run folders
  }
});
