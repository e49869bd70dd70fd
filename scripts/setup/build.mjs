// SPDX-License-Identifier: BSD-2-Clause
/** npm packages, TypeScript and the native addon, each only when something it depends on has changed. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { step } from './progress.mjs';

export async function installNodePackages(root) {
  const stamp = join(root, 'node_modules/.tsbhyve-installed');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  await step('installing npm packages', () => run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root }));
  writeFileSync(stamp, wanted);
}

export async function buildTypeScript(root) {
  const output = join(root, 'dist/.tsbuildinfo');
  const inputs = ['src', 'devices', 'test', 'scripts', 'tsconfig.json', 'package-lock.json'];
  if (isNewer(root, output, inputs, /\.(ts|json)$/)) return;
  await step('compiling TypeScript', async () => {
    await runTool(root, 'typescript/bin/tsc', ['-p', '.']);
    await run(process.execPath, [join(root, 'scripts/setup/bundle.mjs')], { cwd: root });
  });
  touch(output);
}

export async function buildNative(root) {
  const output = join(root, 'build/Release/tsbhyve.node');
  if (isNewer(root, output, ['native', 'CMakeLists.txt', 'package-lock.json'], /\.(cc|h|txt|json)$/)) return;
  await step('building the engine (C++)', async (report) => {
    const onOutput = (text) => {
      // make writes `[ 45%]`, ninja `[45/100]`.
      const [, percent, done, total] = /.*\[(?: *(\d+)%|(\d+)\/(\d+))\]/s.exec(text) ?? [];
      if (percent !== undefined) report({ done: Number(percent), total: 100, unit: '%' });
      else if (done !== undefined) report({ done: Number(done), total: Number(total), unit: 'files' });
    };
    await runTool(root, 'cmake-js/bin/cmake-js', ['compile'], { onOutput });
  });
  touch(output);
}

function runTool(root, script, args, options = {}) {
  return run(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: root, ...options });
}

/** A compiler that found nothing to do leaves its output as old as it was. */
function touch(path) {
  const now = new Date();
  utimesSync(path, now, now);
}

/** True if `output` exists and nothing in `inputs` was changed after it was made. */
function isNewer(root, output, inputs, kind) {
  if (!existsSync(output)) return false;
  const made = statSync(output).mtimeMs;
  return inputs.every((input) => newest(join(root, input), kind) <= made);
}

function newest(path, kind) {
  const found = statSync(path);
  if (!found.isDirectory()) return kind.test(path) ? found.mtimeMs : 0;
  // The folder's own time tells of files that are gone.
  const entries = readdirSync(path).map((name) => newest(join(path, name), kind));
  return Math.max(found.mtimeMs, ...entries);
}
