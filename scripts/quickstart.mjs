// SPDX-License-Identifier: BSD-2-Clause
/** `npm run quickstart`: from a bare checkout to a Debian kernel and a shell. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { step } from './setup/progress.mjs';
import { mainOf, ROOT, setUp } from './setup.mjs';

await mainOf(async () => {
  await setUp();
  // Only now there is something compiled to go on with.
  const { quickstart } = await import(pathToFileURL(join(ROOT, 'dist/scripts/quickstart/quickstart.js')).href);
  return quickstart(ROOT, step);
});
