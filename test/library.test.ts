// SPDX-License-Identifier: BSD-2-Clause
/** The programs of docs/library.md, as they stand there, against the compiled package. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';
import { packageRoot } from '../src/hypervisor/package-root.js';
import { echoKernel } from './support/echo-kernel.js';

const PROGRAM = /^```ts\n([\s\S]*?)^```$/gm;
const MINUTE = 60_000;

const text = readFileSync(join(packageRoot(), 'docs/library.md'), 'utf8');
const programs = [...text.matchAll(PROGRAM)].map((match) => match[1] ?? '');

test.each([
  ['runInTwoParts', '>hello (power-off)'],
  ['runOnAThread', '>hello,  (power-off)'],
])(
  '%s',
  (name, expected) => {
    const program = programs.find((source) => source.includes(`function ${name}`)) ?? '';
    const { code } = transformSync(program, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } });
    const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-test-'));
    try {
      const kernel = join(folder, 'kernel');
      writeFileSync(kernel, echoKernel());
      const main = join(folder, 'main.mjs');
      const library = pathToFileURL(join(packageRoot(), exportedFile())).href;
      writeFileSync(
        main,
        `${code.replaceAll(/from ['"]tsbhyve['"]/g, `from '${library}'`)}
        console.log(await ${name}(${JSON.stringify(kernel)}));`,
      );
      const ended = spawnSync(process.execPath, [main], { encoding: 'utf8', timeout: MINUTE });
      expect(ended.stderr).toBe('');
      expect(ended.stdout.trimEnd()).toBe(expected);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  MINUTE,
);

/** Where the package's export map leads. */
function exportedFile(): string {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).exports['.'];
}
