// SPDX-License-Identifier: BSD-2-Clause
/** A process whose machine still runs can end: a thread inside the engine must not hold it. Uses the compiled sources. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/hypervisor/package-root.js';
import { echoKernel } from '../support/echo-kernel.js';

const compiled = (file: string) => JSON.stringify(pathToFileURL(join(packageRoot(), 'dist/src/machine', file)).href);

test.each([
  ['process.exit(7);', 7, ''],
  ["throw new Error('nobody catches this');", 1, 'nobody catches this'],
])('with the machine running, %s ends the process', (ending, status, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-test-'));
  try {
    const kernel = join(folder, 'kernel');
    writeFileSync(kernel, echoKernel());
    const program = `
      const { MachineHost } = await import(${compiled('machine-host.js')});
      const { machineConfig } = await import(${compiled('config.js')});
      const kernel = ${JSON.stringify(kernel)};
      const outputs = { com1: () => { ${ending} } };
      const host = await MachineHost.start(machineConfig({ boot: { kernel, commandLine: '' } }), { outputs });
      await host.call('resume');`;
    const ended = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      timeout: 60_000,
      encoding: 'utf8',
    });
    expect(ended).toMatchObject({ status, signal: null, stderr: expect.stringContaining(message) });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
