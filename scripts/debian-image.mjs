// SPDX-License-Identifier: BSD-2-Clause
/** `npm run debian-image`: makes the disk of a whole Debian, and boots it. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { step } from './setup/progress.mjs';
import { mainOf, ROOT, setUp } from './setup.mjs';

await mainOf(async () => {
  await setUp({ image: true });
  // Only now there is something compiled to go on with.
  const { debianImage } = await import(pathToFileURL(join(ROOT, 'dist/scripts/debian-image/debian-image.js')).href);
  return debianImage({ root: ROOT, words: process.argv.slice(2), step });
});
