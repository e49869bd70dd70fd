// SPDX-License-Identifier: BSD-2-Clause
/** `npm run check`: everything that has to hold before a change goes in, on a bare machine too. `.ci/run` runs just this. */
import { join } from 'node:path';
import { run } from './setup/command.mjs';
import { step } from './setup/progress.mjs';
import { mainOf, ROOT, setUp } from './setup.mjs';

const LINES_SHOWN = 300;
const inRoot = (program, ...args) => run(program, args, { cwd: ROOT, lines: LINES_SHOWN });
const node = (script, ...args) => inRoot(process.execPath, join(ROOT, script), ...args);

/** The native tests without Node, in a build folder of their own. */
async function nativeTests(folder, ...settings) {
  await inRoot('cmake', '-S', '.', '-B', folder, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release', ...settings);
  await inRoot('cmake', '--build', folder);
  await inRoot('ctest', '--test-dir', folder, '--output-on-failure');
}

const CHECKS = [
  ['format, lint and layers', () => inRoot('npm', 'run', '--silent', 'lint')],
  ['format of C++', () => inRoot('npm', 'run', '--silent', 'lint:native')],
  ['types', () => node('node_modules/typescript/bin/tsc', '-p', '.', '--noEmit')],
  ['native tests', () => nativeTests('build-native')],
  ['native tests under sanitizers', () => nativeTests('build-asan', '-DTSBHYVE_SANITIZE=ON')],
  ['native tests of threads under ThreadSanitizer', () => nativeTests('build-tsan', '-DTSBHYVE_THREAD_SANITIZE=ON')],
  ['tests', () => node('node_modules/jest/bin/jest.js')],
  ['quickstart', () => node('scripts/quickstart.mjs')],
];

await mainOf(async () => {
  await setUp({ tests: true });
  for (const [title, work] of CHECKS) await step(title, work);
});
