// SPDX-License-Identifier: BSD-2-Clause
/** `npm run check`: everything that has to hold before a change goes in, on a bare machine too. `.ci/run` runs just this. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from './setup/command.mjs';
import { step } from './setup/progress.mjs';
import { mainOf, ROOT, setUp } from './setup.mjs';

const LINES_SHOWN = 300;
const inRoot = (program, ...args) => run(program, args, { cwd: ROOT, lines: LINES_SHOWN });
const node = (script, ...args) => inRoot(process.execPath, join(ROOT, script), ...args);

const WORKERS = ['--parallel', String(availableParallelism())];

async function nativeTests(folder) {
  await inRoot('cmake', '--build', folder, '--target', 'native_tests');
  await inRoot('ctest', '--test-dir', folder, '--output-on-failure', ...WORKERS);
}

/** The native tests without Node, in a build folder of their own. */
async function nativeTestsApart(folder, ...settings) {
  await inRoot('cmake', '-S', '.', '-B', folder, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release', ...settings);
  await nativeTests(folder);
}

const CHECKS = [
  ['format, lint and layers', () => inRoot('npm', 'run', '--silent', 'lint')],
  ['format of C++', () => inRoot('npm', 'run', '--silent', 'lint:native')],
  ['types', () => node('node_modules/typescript/bin/tsc', '-p', '.', '--noEmit')],
  ['native tests', () => nativeTests('build')],
  ['native tests under sanitizers', () => nativeTestsApart('build-asan', '-DTSBHYVE_SANITIZE=ON')],
  ['tests of threads under ThreadSanitizer', () => nativeTestsApart('build-tsan', '-DTSBHYVE_THREAD_SANITIZE=ON')],
  ['tests', () => node('node_modules/jest/bin/jest.js')],
  ['quickstart', () => node('scripts/quickstart.mjs')],
];

await mainOf(async () => {
  await setUp({ tests: true });
  for (const [title, work] of CHECKS) await step(title, work);
});
