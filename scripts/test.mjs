// SPDX-License-Identifier: BSD-2-Clause
/** `npm test`: sets everything up, then runs jest with the words of the command line. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { mainOf, ROOT, setUp } from './setup.mjs';

await mainOf(async () => {
  const words = process.argv.slice(2);
  await setUp({ tests: true, image: words.includes('jest.long.config.json') });
  const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
  return spawnSync(process.execPath, [jest, ...words], { cwd: ROOT, stdio: 'inherit' }).status ?? 1;
});
